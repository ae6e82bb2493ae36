import { DataKey } from './data-key.js';
import { OpenedParts } from './opened-parts.js';
import { SealBroken, sealPart } from './sealed-part.js';

const [key, another] = ['k', 'x'].map((letter) => new DataKey(Buffer.alloc(32, letter))) as [never, never];
const place = { eventId: 'e1', part: 'event' } as const;
const part = sealPart({ name: 'Zoë' }, key, 'user:1', place);

describe('a part that was opened before', () => {
  it('is not opened again, until it has to be forgotten', () => {
    const parts = new OpenedParts();
    const first = parts.open(part, key, place);
    expect(first).toEqual({ name: 'Zoë' });
    expect(parts.open({ ...part }, key, place)).toBe(first);
    parts.forgetAll();
    const again = parts.open(part, key, place);
    expect(again).toEqual(first);
    expect(again).not.toBe(first);
  });

  it('nor is what was sealed here', () => {
    const parts = new OpenedParts();
    const fields = { name: 'Zoë' };
    const sealed = parts.seal(fields, key, 'user:1', place);
    expect(parts.open({ ...sealed }, key, place)).toBe(fields);
    parts.forgetAll();
    expect(parts.open(sealed, key, place)).not.toBe(fields);
    expect(parts.open(sealed, key, place)).toEqual(fields);
  });

  it.each([
    ['another key', () => [part, another, place]],
    ['another person', () => [{ ...part, subject: 'user:2' }, key, place]],
    ['another box', () => [{ ...part, box: `${part.box.slice(0, 20)}AAAA${part.box.slice(24)}` }, key, place]],
    ['another event', () => [part, key, { ...place, eventId: 'e2' }]],
    ['another part of the event', () => [part, key, { ...place, part: 'metadata' }]],
  ] as [string, () => Parameters<OpenedParts['open']>][])('does not open with %s', (_what, attempt) => {
    const parts = new OpenedParts();
    parts.open(part, key, place);
    expect(() => parts.open(...attempt())).toThrow(SealBroken);
  });
});
