import fc from 'fast-check';
import { sign, verify } from './signed-token.js';

describe('a signed token', () => {
  it('gives back what was signed', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.string({ minLength: 1 }), (payload, key) => {
        expect(verify(sign(payload, key), key)).toEqual(JSON.parse(JSON.stringify(payload)));
      }),
    );
  });

  it('holds only characters that need no escaping in a header or an address', () => {
    expect(sign({ text: 'äöü ?&#' }, 'key')).toMatch(/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/);
  });

  it('is nothing under another key', () => {
    expect(verify(sign({ position: 7 }, 'key'), 'other key')).toBeUndefined();
  });

  it('is nothing when any of its characters is changed', () => {
    const token = sign({ position: 7 }, 'key');
    for (let at = 0; at < token.length; at++) {
      const changed = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
      expect(verify(changed, 'key')).toBeUndefined();
    }
  });

  it('is nothing when it is cut, lengthened or made up', () => {
    const token = sign({ position: 7 }, 'key');
    for (const text of ['', '.', token.slice(1), token.slice(0, -1), `${token}A`, 'a.b', token.split('.')[0]!])
      expect(verify(text, 'key')).toBeUndefined();
    fc.assert(fc.property(fc.string(), (text) => expect(verify(text, 'key')).toBeUndefined()));
  });
});
