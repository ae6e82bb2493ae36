import fc from 'fast-check';
import { decodeTime } from 'ulid';
import { version } from 'uuid';
import { derivedUlid, derivedUuid, deterministicIds, isUlid, normaliseUlid, systemIds } from './ids.js';

describe('ids', () => {
  it('are ULIDs that carry the time they were made at and sort by it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 48 - 2 }), (time) => {
        const id = systemIds.ulid(new Date(time));
        expect(isUlid(id)).toBe(true);
        expect(decodeTime(id)).toBe(time);
        expect(systemIds.ulid(new Date(time + 1)) > id).toBe(true);
      }),
    );
  });

  it('refuse a time no ULID can hold', () => {
    expect(() => systemIds.ulid(new Date(NaN))).toThrow('Time must be a number');
    expect(() => systemIds.ulid(new Date(-1))).toThrow('Time must be positive');
  });

  it('don’t repeat within one millisecond', () => {
    const at = new Date();
    expect(new Set(Array.from({ length: 10_000 }, () => systemIds.ulid(at))).size).toBe(10_000);
  });

  it('are version 4 UUIDs where a UUID is asked for', () => {
    expect(version(systemIds.uuid())).toBe(4);
  });

  it('are secrets of 43 base62 characters for 32 bytes, leading zeros included', () => {
    fc.assert(
      fc.property(fc.string(), (seed) => expect(deterministicIds(seed).secret(32)).toMatch(/^[0-9A-Za-z]{43}$/)),
    );
    expect(systemIds.secret(32)).not.toBe(systemIds.secret(32));
  });

  it('repeat in the same order for the same seed, and differ for another', () => {
    const at = new Date('2026-01-01T00:00:00Z');
    const draw = (seed: string) => {
      const ids = deterministicIds(seed);
      return [ids.ulid(at), ids.ulid(at), ids.uuid(), ids.secret(48)];
    };
    expect(draw('a')).toEqual(draw('a'));
    expect(draw('a')).not.toEqual(draw('b'));
    expect(new Set(draw('a')).size).toBe(4);
  });

  it('derive the same UUID from the same parts, and another when the parts are cut differently', () => {
    const id = derivedUuid('event', 'command-1', '0');
    expect(version(id)).toBe(5);
    expect(derivedUuid('event', 'command-1', '0')).toBe(id);
    expect(derivedUuid('event', 'command-10')).not.toBe(derivedUuid('event', 'command-1', '0'));
    expect(derivedUuid('event', 'a', 'bc')).not.toBe(derivedUuid('event', 'ab', 'c'));
  });

  it('derive UUIDs that are frozen: stored events carry them', () => {
    expect(derivedUuid('event', 'command-1', '0')).toMatchInlineSnapshot(`"16e26ffd-f3c4-5fd5-989d-a27c8d9216e8"`);
  });

  it('derive the same ULID from the same time and parts', () => {
    const at = new Date('2026-01-01T00:00:00Z');
    const id = derivedUlid(at, 'command-1', 'thing');
    expect(isUlid(id)).toBe(true);
    expect(decodeTime(id)).toBe(at.getTime());
    expect(derivedUlid(at, 'command-1', 'thing')).toBe(id);
    expect(derivedUlid(at, 'command-1', 'part')).not.toBe(id);
    expect(derivedUlid(new Date(1), 'command-1', 'thing')).not.toBe(id);
  });

  it('are accepted in either case and kept in upper case', () => {
    expect(normaliseUlid('01jq0000000000000000000abc')).toBe('01JQ0000000000000000000ABC');
    expect(normaliseUlid('01JQ0000000000000000000ABC')).toBe('01JQ0000000000000000000ABC');
  });

  it.each([
    ['too short', '01JQ0000000000000000000AB'],
    ['too long', '01JQ0000000000000000000ABCD'],
    ['with a letter that Crockford leaves out', '01JQ0000000000000000000ABI'],
    ['past the last time a ULID can hold', '81JQ0000000000000000000ABC'],
    ['with a line break after it', '01JQ0000000000000000000ABC\n'],
    ['that look like one in another script', '01JQ0000000000000000000ABС'],
    ['that are no text', 1],
    ['that are missing', undefined],
  ])('are refused %s', (_, text) => {
    expect(isUlid(text)).toBe(false);
    expect(normaliseUlid(text)).toBeUndefined();
  });
});
