import type { AuditMap } from '../audit-log/index.js';
import type { ServiceAccountEvent } from './service-account.decider.js';

const account = (id: string) => ({ type: 'service_account', id });
const token = (id: string) => ({ type: 'service_account_token', id });

export const serviceAccountsAudit: AuditMap<ServiceAccountEvent> = {
  'service-account-created.v1': ({ data: { serviceAccountId, name } }) => ({
    action: 'service-account.created',
    resource: account(serviceAccountId),
    new: { name },
  }),
  'service-account-renamed.v1': ({ data: { serviceAccountId, from, to } }) => ({
    action: 'service-account.renamed',
    resource: account(serviceAccountId),
    old: { name: from },
    new: { name: to },
  }),
  'service-account-deleted.v1': ({ data: { serviceAccountId, name, tokens, reason } }) => ({
    action: 'service-account.deleted',
    resource: account(serviceAccountId),
    old: { name, tokens },
    new: { reason },
  }),
  'service-account-token-issued.v1': ({ data: { tokenId, serviceAccountId, name, expiresAt } }) => ({
    action: 'service-account-token.issued',
    resource: token(tokenId),
    new: { serviceAccountId, name, expiresAt },
  }),
  'service-account-token-revoked.v1': ({ data: { tokenId, serviceAccountId, name, expiresAt } }) => ({
    action: 'service-account-token.revoked',
    resource: token(tokenId),
    old: { serviceAccountId, name, expiresAt },
  }),
};
