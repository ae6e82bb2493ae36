import { given } from '../testing/index.js';
import { sameNameAs } from '../platform/core.js';
import {
  type ApiKeyEvent,
  apiKeys,
  createApiKey,
  deleteApiKeysOf,
  revokeApiKey,
  revokeApiKeysOf,
} from './api-keys.decider.js';

const apiKeyId = '01JQ0000000000000000000K0A';
const other = '01JQ0000000000000000000K0B';
const tenantId = '01JQ0000000000000000000TEN';
const userId = '01JQ0000000000000000000ADA';
const at = '2026-02-01T10:00:00.000Z';
const later = '2026-02-20T10:00:00.000Z';
const ends = '2026-02-11T10:00:00.000Z';

const key = { apiKeyId, tenantId, userId };
const command = { ...key, mayHold: true, name: 'CI', prefix: 'csn_key_01JQ', hmac: 'v.hmac', expiresInDays: 10, at };
const created: ApiKeyEvent = {
  type: 'api-key-created.v1',
  data: { ...key, prefix: 'csn_key_01JQ', hmac: 'v.hmac', expiresAt: ends, at },
  personal: { name: 'CI' },
};
const revocation = { ...key, reason: 'revoked-by-owner' as const, at: later };
const revoked: ApiKeyEvent = { type: 'api-key-revoked.v1', data: revocation };

describe('creating a key', () => {
  it('keeps its HMAC and what it begins with, and its name as personal', () => {
    given(apiKeys)
      .when((keys) => createApiKey(command, keys, sameNameAs))
      .then([created]);
  });

  it('does nothing a second time', () => {
    given(apiKeys, [created, revoked])
      .when((keys) => createApiKey({ ...command, mayHold: false, hmac: 'v.other' }, keys, sameNameAs))
      .thenNothing();
  });

  it('is refused to who is no member', () => {
    given(apiKeys)
      .when((keys) => createApiKey({ ...command, mayHold: false }, keys, sameNameAs))
      .thenRefused('not-found');
  });

  it('is refused where a working key has the name; one that works no more leaves it free (TW-093)', () => {
    const another = { ...command, apiKeyId: other, name: 'ci' };
    given(apiKeys, [created])
      .when((keys) => createApiKey(another, keys, sameNameAs))
      .thenRefused('api-key-name-taken', { field: 'name' });
    given(apiKeys, [created])
      .when((keys) => createApiKey({ ...another, name: 'other' }, keys, sameNameAs))
      .then([{ ...created, data: { ...created.data, apiKeyId: other }, personal: { name: 'other' } } as ApiKeyEvent]);
    for (const events of [[created], [created, revoked]]) {
      const expiresAt = '2026-03-02T10:00:00.000Z';
      given(apiKeys, events)
        .when((keys) => createApiKey({ ...another, name: 'CI', at: later }, keys, sameNameAs))
        .then([{ ...created, data: { ...created.data, apiKeyId: other, expiresAt, at: later } } as ApiKeyEvent]);
    }
  });
});

describe('revoking', () => {
  it('ends a key once (TW-094)', () => {
    given(apiKeys, [created])
      .when((keys) => revokeApiKey(revocation, keys))
      .then([revoked]);
    given(apiKeys, [created, revoked])
      .when((keys) => revokeApiKey(revocation, keys))
      .thenRefused('api-key-already-revoked');
    given(apiKeys)
      .when((keys) => revokeApiKey(revocation, keys))
      .thenRefused('not-found');
    given(apiKeys, [created])
      .when((keys) => revokeApiKey({ ...revocation, ifRevision: 2 }, keys))
      .thenRefused('stale-revision');
    given(apiKeys, [created])
      .when((keys) => revokeApiKey({ ...revocation, ifRevision: 1 }, keys))
      .then([revoked]);
  });

  it('ends those of a member who left that were made before', () => {
    const member = { tenantId, userId, at };
    const ended: ApiKeyEvent = { type: 'api-key-revoked.v1', data: { ...key, at, reason: 'member-removed' } };
    const { state } = given(apiKeys, [created]);
    expect(revokeApiKeysOf({ ...member, before: 1 }, state)).toStrictEqual([ended]);
    expect(revokeApiKeysOf({ ...member, before: 0 }, state)).toStrictEqual([]);
    expect(revokeApiKeysOf({ ...member, before: 9 }, given(apiKeys, [created, revoked]).state)).toStrictEqual([]);
  });

  it('leaves nothing behind when the tenant goes', () => {
    const events = deleteApiKeysOf({ tenantId, userId, at: later }, given(apiKeys, [created, revoked]).state);
    expect(events).toStrictEqual([{ type: 'api-key-deleted.v1', data: { ...key, at: later } }]);
    expect(given(apiKeys, [created, ...events]).state.size).toBe(0);
  });
});
