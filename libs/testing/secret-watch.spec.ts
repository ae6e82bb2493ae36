import { loadConfig } from '../platform/core.js';
import { refuseFaults, SecretWatch } from './secret-watch.js';

const env = { TOKEN_PEPPER: `${'p'.repeat(40)}, ${'q'.repeat(40)}`, SIGNING_KEY: 's'.repeat(40) };

function watch(): SecretWatch {
  return new SecretWatch(loadConfig({ ADMIN_TOKEN: 'admin-for-tests', ...env }, { mode: 'standalone' }), env);
}

const logged = (text: string) => [{ place: 'the log', text }];

describe('the watch over secrets', () => {
  it.each([
    ['configured', 'admin-for-tests'],
    ['a pepper', 'q'.repeat(40)],
    ['the signing key', 's'.repeat(40)],
  ])('finds one that is %s', (_, secret) => {
    expect(watch().faults(logged(`{"x":"${secret}"}`))).toHaveLength(1);
  });

  it('finds one that an answer gave, in the log and in refusals, and does not repeat it', () => {
    const secrets = watch();
    secrets.answered(201, '', { items: [{ secret: 'csn_pat_minted' }] });
    secrets.answered(422, '{"detail":"csn_pat_minted"}', undefined);
    const faults = secrets.faults(logged('at "csn_pat_minted"'));
    expect(faults).toHaveLength(2);
    expect(faults.join()).not.toContain('csn_pat_minted');
  });

  it('finds one that is written as JSON', () => {
    const secrets = watch();
    secrets.knows('with"quote"and\\');
    expect(secrets.faults(logged(JSON.stringify({ x: 'with"quote"and\\' })))).toHaveLength(1);
  });

  it.each([
    ['an e-mail address', { email: 'ada@example.org' }, 'ada@example.org'],
    ['a name', { displayName: 'Ada Lovelace' }, 'Ada Lovelace'],
    ['a note of one of many', { decisions: [{ note: 'as she asked' }] }, 'as she asked'],
  ])('finds %s that was sent, where somebody logs it, and does not repeat it', (_, sent, clear) => {
    const personal = watch();
    personal.answered(201, '', {}, sent);
    const faults = personal.faults([{ place: 'the log', text: `{"msg":"registered ${clear}"}`, log: true }]);
    expect(faults).toEqual([expect.stringContaining('the log holds personal data')]);
    expect(faults.join()).not.toContain(clear);
    expect(() => refuseFaults(faults)).toThrow('the log holds personal data');
  });

  it('lets personal data stand where they are kept to be read', () => {
    const personal = watch();
    personal.answered(201, '', {}, { displayName: 'Ada Lovelace' });
    expect(personal.faults([{ place: 'the table app_user', text: 'Ada Lovelace' }])).toEqual([]);
  });

  it('lets personal data stand that are but a part of a word', () => {
    const personal = watch();
    personal.answered(201, '', {}, { note: 'second' });
    const text = 'countersign_http_request_duration_seconds';
    expect(personal.faults([{ place: 'the metrics', text, log: true }])).toEqual([]);
    expect(personal.faults([{ place: 'the metrics', text: `${text} second`, log: true }])).toHaveLength(1);
  });

  it('says nothing of what holds none', () => {
    expect(watch().faults(logged('{"msg":"answered","status":200}'))).toEqual([]);
  });
});
