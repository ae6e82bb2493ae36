import { defineProblems, problemCatalogue, problemFor, problemKind } from './problems.js';
import { Refused } from './refusal.js';

describe('the catalogue of problems', () => {
  it('says for every code a status, a title and what to do next', () => {
    for (const { code, status, title, next } of problemCatalogue()) {
      expect(code).toMatch(/^[a-z0-9-]+$/);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(title).not.toBe('');
      expect(next).not.toBe('');
    }
  });

  it('takes further codes, each once', () => {
    defineProblems({ 'name-taken': { status: 409, title: 'The name is taken', next: 'Choose another name.' } });
    expect(problemKind('name-taken')?.status).toBe(409);
    expect(() => defineProblems({ 'name-taken': { status: 400, title: '', next: '' } })).toThrow(/twice/);
    expect(() => defineProblems({ NameTaken: { status: 400, title: '', next: '' } })).toThrow(/kebab-case/);
  });

  it('answers with the members of RFC 9457, the code, the field and what else is known', () => {
    expect(problemFor('conflict', 'one is open', { field: 'role', openId: 'X' })).toEqual({
      type: 'urn:problem-type:countersign:conflict',
      title: 'Not possible in this state',
      status: 409,
      code: 'conflict',
      detail: 'one is open',
      next: 'Read the resource again and decide anew.',
      field: 'role',
      openId: 'X',
    });
  });

  it('doesn’t let what else is known replace the members that are promised', () => {
    expect(
      problemFor('conflict', 'said', { code: 'x', status: 1, title: 'x', type: 'x', detail: 'x', next: 'x' }),
    ).toEqual(problemFor('conflict', 'said'));
  });

  it('says the same of everything that is not found', () => {
    expect(problemFor('not-found', 'it belongs to somebody else', { field: 'id' })).toEqual(problemFor('not-found'));
  });

  it('knows no code that was not declared', () => {
    expect(() => problemFor('made-up')).toThrow('problem code "made-up" is not declared');
  });

  it('asks to wait where repeating helps', () => {
    for (const code of ['not-yet', 'dependency-unavailable', 'too-many-requests'])
      expect(problemKind(code)?.retryAfter).toBeGreaterThan(0);
  });
});

describe('a refusal', () => {
  it('carries its code, its detail and the field', () => {
    const refused = new Refused('invalid', 'name is too long', { field: 'name' });
    expect(refused).toBeInstanceOf(Error);
    expect(refused).toMatchObject({ code: 'invalid', detail: 'name is too long', extra: { field: 'name' } });
    expect(refused.message).toBe('invalid: name is too long');
  });
});
