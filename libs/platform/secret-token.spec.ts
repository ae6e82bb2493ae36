import fc from 'fast-check';
import { deterministicIds, systemIds } from './ids.js';
import { matchesHmac, mintToken, parseToken, pepperOf, tokenHmac } from './secret-token.js';

const id = '01JQ0000000000000000000ABC';
const pepper = pepperOf('a pepper of at least 32 characters');
const older = pepperOf('an older pepper, since replaced by another');

describe('a secret token', () => {
  it('names its kind and id, and holds a secret of 43 characters and a checksum', () => {
    const { token } = mintToken('pat', id, systemIds, pepper);
    expect(token).toMatch(/^csn_pat_01JQ0000000000000000000ABC_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}$/);
    expect(mintToken('sat', id, systemIds, pepper).token).toMatch(/^csn_sat_/);
  });

  it('is taken apart again, whatever the secret', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom('pat' as const, 'sat' as const), (seed, kind) => {
        const { token } = mintToken(kind, id, deterministicIds(seed), pepper);
        expect(parseToken(token)).toEqual({ kind, id, secret: token.split('_')[3] });
      }),
    );
  });

  it('is told from a mistyped one by its checksum alone', () => {
    const { token } = mintToken('pat', id, systemIds, pepper);
    for (let at = 0; at < token.length; at++) {
      const typo = token.slice(0, at) + (token[at] === '0' ? '1' : '0') + token.slice(at + 1);
      expect(parseToken(typo)).toBeUndefined();
    }
  });

  it('is told from anything else', () => {
    const { token } = mintToken('pat', id, systemIds, pepper);
    for (const text of [
      '',
      'csn_pat_',
      `${token} `,
      ` ${token}`,
      `${token}\n`,
      token.toLowerCase(),
      token.slice(0, -7),
    ])
      expect(parseToken(text)).toBeUndefined();
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => expect(parseToken(text)).toBeUndefined()));
  });

  it('is kept as an HMAC that matches only its own secret', () => {
    const { token, hmac } = mintToken('pat', id, systemIds, pepper);
    const { secret } = parseToken(token)!;
    expect(hmac).toBe(tokenHmac(secret, pepper));
    expect(hmac).not.toContain(secret);
    expect(matchesHmac(secret, hmac, [pepper])).toBe(true);
    expect(matchesHmac(`${secret.slice(1)}x`, hmac, [pepper])).toBe(false);
    expect(matchesHmac(secret, `${hmac}x`, [pepper])).toBe(false);
    expect(matchesHmac(secret, '', [pepper])).toBe(false);
  });

  it('still matches after the pepper was rotated, as long as the old one is configured', () => {
    const { token, hmac } = mintToken('pat', id, systemIds, older);
    const { secret } = parseToken(token)!;
    expect(matchesHmac(secret, hmac, [pepper, older])).toBe(true);
    expect(matchesHmac(secret, hmac, [pepper])).toBe(false);
  });
});
