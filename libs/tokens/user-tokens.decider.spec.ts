import { given } from '../testing/index.js';
import { sameNameAs } from '../platform/core.js';
import { issueToken, revokeToken, type TokenEvent, userTokens } from './user-tokens.decider.js';

const userId = '01JQ0000000000000000000ADA';
const tokenId = '01JQ0000000000000000000T0A';
const other = '01JQ0000000000000000000T0B';
const at = '2026-02-01T10:00:00.000Z';
const later = '2026-02-20T10:00:00.000Z';

const ends = '2026-02-11T10:00:00.000Z';
const command = { tokenId, userId, owner: 'active' as const, name: 'CI', hmac: 'v.hmac', expiresInDays: 10, at };
const issued: TokenEvent = {
  type: 'token-issued.v1',
  data: { tokenId, userId, hmac: 'v.hmac', expiresAt: ends, at },
  personal: { name: 'CI' },
};
const endless: TokenEvent = {
  type: 'token-issued.v1',
  data: { tokenId, userId, hmac: 'v.hmac', expiresAt: null, at },
  personal: { name: 'CI' },
};
const revoked: TokenEvent = {
  type: 'token-revoked.v1',
  data: { tokenId, userId, reason: 'revoked-by-owner', at: later },
};

describe('issuing a token', () => {
  it('keeps its HMAC, and its name as personal', () => {
    given(userTokens)
      .when((tokens) => issueToken(command, tokens, sameNameAs))
      .then([issued]);
  });

  it('can have no end', () => {
    given(userTokens)
      .when((tokens) => issueToken({ ...command, expiresInDays: null }, tokens, sameNameAs))
      .then([endless]);
  });

  it('does nothing a second time, whatever has become of the token and the user', () => {
    given(userTokens, [issued, revoked])
      .when((tokens) => issueToken({ ...command, owner: 'deactivated', hmac: 'v.other' }, tokens, sameNameAs))
      .thenNothing();
  });

  it('is refused where the user is unknown, deactivated or suspended', () => {
    given(userTokens)
      .when((tokens) => issueToken({ ...command, owner: 'absent' }, tokens, sameNameAs))
      .thenRefused('not-found');
    given(userTokens)
      .when((tokens) => issueToken({ ...command, owner: 'deactivated' }, tokens, sameNameAs))
      .thenRefused('user-inactive');
    given(userTokens)
      .when((tokens) => issueToken({ ...command, owner: 'suspended' }, tokens, sameNameAs))
      .thenRefused('user-suspended');
  });

  it('is refused where a working token of the user has the name', () => {
    given(userTokens, [endless])
      .when((tokens) => issueToken({ ...command, tokenId: other, name: 'ci', at: later }, tokens, sameNameAs))
      .thenRefused('token-name-taken', { field: 'name' });
    given(userTokens, [endless])
      .when((tokens) => issueToken({ ...command, tokenId: other, name: 'other' }, tokens, sameNameAs))
      .then([{ ...issued, data: { ...issued.data, tokenId: other }, personal: { name: 'other' } } as TokenEvent]);
  });

  it.each([
    ['expired', [issued]],
    ['was revoked', [endless, revoked]],
  ])('may have the name of one that %s', (_why, events) => {
    given(userTokens, events)
      .when((tokens) => issueToken({ ...command, tokenId: other, expiresInDays: null, at: later }, tokens, sameNameAs))
      .then([{ ...endless, data: { ...endless.data, tokenId: other, at: later } } as TokenEvent]);
  });
});

describe('revoking a token', () => {
  const revocation = { tokenId, userId, reason: 'revoked-by-owner' as const, at: later };

  it('ends it', () => {
    given(userTokens, [issued])
      .when((tokens) => revokeToken(revocation, tokens))
      .then([revoked]);
    expect(given(userTokens, [issued, revoked]).state.get(tokenId)).toMatchObject({ revokedAt: later, revision: 2 });
  });

  it('is refused where the user has no such token', () => {
    given(userTokens, [issued])
      .when((tokens) => revokeToken({ ...revocation, tokenId: other }, tokens))
      .thenRefused('not-found');
  });

  it('is refused a second time', () => {
    given(userTokens, [issued, revoked])
      .when((tokens) => revokeToken(revocation, tokens))
      .thenRefused('token-already-revoked');
  });

  it('is refused to who saw an earlier state alone', () => {
    given(userTokens, [issued])
      .when((tokens) => revokeToken({ ...revocation, ifRevision: 3 }, tokens))
      .thenRefused('stale-revision');
    given(userTokens, [issued])
      .when((tokens) => revokeToken({ ...revocation, ifRevision: 1 }, tokens))
      .then([revoked]);
  });
});
