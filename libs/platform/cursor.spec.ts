import { decodeCursor, encodeCursor } from './cursor.js';
import { sign } from './signed-token.js';

const purpose = { list: 'items of A', filters: { status: 'open', kind: undefined, q: 'x' } };
const refusal = expect.objectContaining({ code: 'malformed-query', extra: { field: 'cursor' } });

function refusalOf(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return error;
  }
}

describe('a cursor', () => {
  it('gives back the position it stands at', () => {
    const cursor = encodeCursor(['2026-01-01T00:00:00.000Z', 7, null], purpose, 'key');
    expect(decodeCursor(cursor, purpose, 'key')).toEqual(['2026-01-01T00:00:00.000Z', 7, null]);
  });

  it('serves the same filters in another order, and filters that aren’t set', () => {
    const cursor = encodeCursor([1], purpose, 'key');
    expect(decodeCursor(cursor, { list: 'items of A', filters: { q: 'x', status: 'open' } }, 'key')).toEqual([1]);
  });

  it.each([
    ['of another list', { list: 'items of B', filters: purpose.filters }, 'key'],
    ['with another filter', { list: 'items of A', filters: { status: 'closed', q: 'x' } }, 'key'],
    ['with a filter more', { list: 'items of A', filters: { ...purpose.filters, kind: 'y' } }, 'key'],
    ['with a filter less', { list: 'items of A' }, 'key'],
    ['signed with another key', purpose, 'other key'],
  ])('is refused %s', (_, asked, key) => {
    const cursor = encodeCursor([1], purpose, 'key');
    expect(refusalOf(() => decodeCursor(cursor, asked, key))).toEqual(refusal);
  });

  it('is refused when it is made up, or something else that we signed', () => {
    for (const text of ['', 'abc', 'eyJ2IjoxfQ.abc', sign({ position: 7 }, 'key'), sign({ v: 2, p: '', k: [] }, 'key')])
      expect(refusalOf(() => decodeCursor(text, purpose, 'key'))).toEqual(refusal);
  });
});
