import { DataKey } from './data-key.js';
import { isSealed, openPart, SealBroken, type SealedPart, sealPart } from './sealed-part.js';

const key = new DataKey(Buffer.alloc(32, 'k'));
const place = { eventId: 'e1', part: 'event' } as const;
const fields = { name: 'Zoë 🙂', previous: { name: null } };
const seal = (): SealedPart => sealPart(fields, key, 'user:1', place);

describe('a sealed part', () => {
  it('opens to what was sealed, and shows nothing of it', () => {
    const part = seal();
    expect(isSealed(part)).toBe(true);
    expect(JSON.stringify(part)).not.toContain('Zo');
    expect(openPart(JSON.parse(JSON.stringify(part)) as SealedPart, key, place)).toEqual(fields);
  });

  it('is never the same twice, over more of them than random bytes are drawn at once', () => {
    const boxes = Array.from({ length: 2_000 }, () => seal().box);
    expect(new Set(boxes.map((box) => box.slice(0, 16))).size).toBe(boxes.length);
  });

  it.each([
    ['another key', () => openPart(seal(), new DataKey(Buffer.alloc(32, 'x')), place)],
    ['another person', () => openPart({ ...seal(), subject: 'user:2' }, key, place)],
    ['another event', () => openPart(seal(), key, { ...place, eventId: 'e2' })],
    ['another part of the event', () => openPart(seal(), key, { ...place, part: 'metadata' })],
    ['nothing in the box', () => openPart({ ...seal(), box: '' }, key, place)],
    [
      'a changed byte',
      () => {
        const bytes = Buffer.from(seal().box, 'base64');
        bytes[20]! ^= 1;
        return openPart({ ...seal(), box: bytes.toString('base64') }, key, place);
      },
    ],
  ])('does not open with %s', (_what, open) => {
    expect(open).toThrow(SealBroken);
  });

  it('that an earlier version stored opens', () => {
    const box = 'AAECAwQFBgcICQoLEf+aT2m1pE9hwTzvRrh17M+oZVdpY1QZ814jpO3e';
    expect(openPart({ sealed: 'v1', subject: 'user:1', box }, key, place)).toEqual({ name: 'Zoe' });
  });

  it.each([undefined, null, {}, { sealed: 'v2' }, 'v1'])('is not %j', (other) => {
    expect(isSealed(other)).toBe(false);
  });
});
