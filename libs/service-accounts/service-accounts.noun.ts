import { noun } from '../projections/index.js';
import type { ServiceAccountEvent } from './service-account.decider.js';
import { serviceAccountsAudit } from './service-accounts.audit.js';
import { serviceAccountRelationships } from './service-accounts.relationships.js';

export const serviceAccountsNoun = noun<ServiceAccountEvent>({
  name: 'service-accounts',
  types: {
    'service-account-created.v1': 'A tenant got a service account: a machine that acts by itself.',
    'service-account-renamed.v1': 'A service account got another name.',
    'service-account-deleted.v1': 'A service account is gone, with its tokens and all it held.',
    'service-account-token-issued.v1': 'A service account got a token; only its HMAC is kept.',
    'service-account-token-revoked.v1': 'A token of a service account works no more.',
  },
  relationships: serviceAccountRelationships,
  audit: serviceAccountsAudit,
});
