import { given } from '../testing/index.js';
import { sameNameAs } from '../platform/core.js';
import {
  createServiceAccount,
  deleteServiceAccount,
  issueServiceAccountToken,
  renameServiceAccount,
  revokeServiceAccountToken,
  serviceAccount,
  type ServiceAccountEvent,
} from './service-account.decider.js';

const serviceAccountId = '01JQ0000000000000000000SA1';
const tenantId = '01JQ0000000000000000000TEN';
const tokenId = '01JQ0000000000000000000T0A';
const other = '01JQ0000000000000000000T0B';
const at = '2026-02-01T10:00:00.000Z';
const later = '2026-02-20T10:00:00.000Z';
const ends = '2026-02-11T10:00:00.000Z';

const creation = { serviceAccountId, tenantId, name: 'deployer', tenantActive: true, at };
const created: ServiceAccountEvent = {
  type: 'service-account-created.v1',
  data: { serviceAccountId, tenantId, name: 'deployer', at },
};
const issuing = { tokenId, tenantId, name: 'CI', hmac: 'v.hmac', expiresAt: ends, at };
const issued: ServiceAccountEvent = {
  type: 'service-account-token-issued.v1',
  data: { ...issuing, serviceAccountId },
};
const revocation = { tokenId, tenantId, at: later };
const revoked: ServiceAccountEvent = {
  type: 'service-account-token-revoked.v1',
  data: { serviceAccountId, tenantId, tokenId, name: 'CI', expiresAt: ends, at: later },
};
const deleted: ServiceAccountEvent = {
  type: 'service-account-deleted.v1',
  data: { serviceAccountId, tenantId, name: 'deployer', tokens: [], reason: 'deleted', at: later },
};

describe('a service account', () => {
  it('is created once, in a tenant that is there', () => {
    given(serviceAccount)
      .when((state) => createServiceAccount(creation, state))
      .then([created]);
    given(serviceAccount, [created])
      .when((state) => createServiceAccount(creation, state))
      .thenNothing();
    given(serviceAccount)
      .when((state) => createServiceAccount({ ...creation, tenantActive: false }, state))
      .thenRefused('not-found');
  });

  it('gets another name; the same one again changes nothing', () => {
    const command = { tenantId, name: 'releaser', at: later };
    given(serviceAccount, [created])
      .when((state) => renameServiceAccount(command, state))
      .then([
        {
          type: 'service-account-renamed.v1',
          data: { serviceAccountId, tenantId, from: 'deployer', to: 'releaser', revision: 2, at: later },
        },
      ]);
    given(serviceAccount, [created])
      .when((state) => renameServiceAccount({ ...command, name: 'deployer' }, state))
      .thenNothing();
    given(serviceAccount, [created])
      .when((state) => renameServiceAccount({ ...command, ifRevision: 7 }, state))
      .thenRefused('stale-revision');
  });

  it('is deleted for who saw it as it is, and for nobody who saw it otherwise', () => {
    const command = { tenantId, reason: 'deleted' as const, at: later };
    given(serviceAccount, [created])
      .when((state) => deleteServiceAccount({ ...command, ifRevision: 7 }, state))
      .thenRefused('stale-revision');
    given(serviceAccount, [created])
      .when((state) => deleteServiceAccount({ ...command, ifRevision: 1 }, state))
      .then([deleted]);
  });

  it('is not there for another tenant', () => {
    const foreign = { tenantId: other, at: later };
    const decisions = [
      given(serviceAccount, [created, issued]).when((state) => renameServiceAccount({ ...foreign, name: 'x' }, state)),
      given(serviceAccount, [created, issued]).when((state) =>
        deleteServiceAccount({ ...foreign, reason: 'deleted' }, state),
      ),
      given(serviceAccount, [created, issued]).when((state) =>
        issueServiceAccountToken({ ...issuing, ...foreign }, state, sameNameAs),
      ),
      given(serviceAccount, [created, issued]).when((state) =>
        revokeServiceAccountToken({ ...foreign, tokenId }, state),
      ),
    ];
    for (const decision of decisions) decision.thenRefused('not-found');
  });

  it('names the tokens that end with it: those that worked', () => {
    const endless: ServiceAccountEvent = {
      ...issued,
      data: { ...issued.data, tokenId: other, expiresAt: null },
    } as never;
    given(serviceAccount, [created, issued, endless])
      .when((state) => deleteServiceAccount({ tenantId, reason: 'deleted', at: later }, state))
      .then([
        { ...deleted, data: { ...deleted.data, tokens: [{ tokenId: other, name: 'CI', expiresAt: null }] } } as never,
      ]);
  });

  it('is deleted once; with its tenant it may be gone already', () => {
    given(serviceAccount, [created, deleted])
      .when((state) => deleteServiceAccount({ tenantId, reason: 'deleted', at: later }, state))
      .thenRefused('not-found');
    given(serviceAccount, [created, deleted])
      .when((state) => deleteServiceAccount({ tenantId, reason: 'tenant-deleted', at: later }, state))
      .thenNothing();
    given(serviceAccount, [created, deleted])
      .when((state) => renameServiceAccount({ tenantId, name: 'x', at: later }, state))
      .thenRefused('not-found');
  });
});

describe('a token of a service account', () => {
  it('is issued with its end, and once', () => {
    given(serviceAccount, [created])
      .when((state) => issueServiceAccountToken(issuing, state, sameNameAs))
      .then([issued]);
    given(serviceAccount, [created, issued, deleted])
      .when((state) => issueServiceAccountToken({ ...issuing, hmac: 'v.other' }, state, sameNameAs))
      .thenNothing();
  });

  it('is refused with an end that is over, and to an account that is gone', () => {
    given(serviceAccount, [created])
      .when((state) => issueServiceAccountToken({ ...issuing, expiresAt: at }, state, sameNameAs))
      .thenRefused('invalid', { field: 'expiresAt' });
    given(serviceAccount, [created, deleted])
      .when((state) => issueServiceAccountToken(issuing, state, sameNameAs))
      .thenRefused('not-found');
  });

  it('has a name that no other working token of the account has', () => {
    given(serviceAccount, [created, issued])
      .when((state) => issueServiceAccountToken({ ...issuing, tokenId: other, name: 'ci' }, state, sameNameAs))
      .thenRefused('token-name-taken', { field: 'name' });
    given(serviceAccount, [created, issued])
      .when((state) => issueServiceAccountToken({ ...issuing, tokenId: other, name: 'other' }, state, sameNameAs))
      .then([{ ...issued, data: { ...issued.data, tokenId: other, name: 'other' } } as never]);
    given(serviceAccount, [created, issued])
      .when((state) =>
        issueServiceAccountToken({ ...issuing, tokenId: other, expiresAt: null, at: later }, state, sameNameAs),
      )
      .then([{ ...issued, data: { ...issued.data, tokenId: other, expiresAt: null, at: later } } as never]);
  });

  it('is revoked once', () => {
    given(serviceAccount, [created, issued])
      .when((state) => revokeServiceAccountToken(revocation, state))
      .then([revoked]);
    given(serviceAccount, [created, issued, revoked])
      .when((state) => revokeServiceAccountToken(revocation, state))
      .thenRefused('token-already-revoked');
    given(serviceAccount, [created, issued])
      .when((state) => revokeServiceAccountToken({ ...revocation, tokenId: other }, state))
      .thenRefused('not-found');
    given(serviceAccount, [created, issued])
      .when((state) => revokeServiceAccountToken({ ...revocation, ifRevision: 2 }, state))
      .thenRefused('stale-revision');
    given(serviceAccount, [created, issued])
      .when((state) => revokeServiceAccountToken({ ...revocation, ifRevision: 1 }, state))
      .then([revoked]);
  });
});
