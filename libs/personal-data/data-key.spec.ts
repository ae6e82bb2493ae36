import { inspect } from 'node:util';
import { DataKey } from './data-key.js';

describe('a data key', () => {
  it('is shown by no inspection and in no JSON', () => {
    const key = new DataKey(Buffer.alloc(32, 'k'));
    const shown = [inspect({ key }, { depth: 9, showHidden: true }), JSON.stringify({ key }), String(key)].join();
    for (const bytes of ['kkkk', '6b 6b', '107', 'a2tr']) expect(shown).not.toContain(bytes);
  });

  it('has 32 bytes, which are never the same twice', () => {
    expect(() => new DataKey(Buffer.alloc(31))).toThrow('32 bytes');
    expect(DataKey.random().bytes.equals(DataKey.random().bytes)).toBe(false);
  });
});
