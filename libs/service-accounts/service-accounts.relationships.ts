import { none, type RelationshipMap } from '../outbox/index.js';
import type { ServiceAccountEvent } from './service-account.decider.js';

export const serviceAccountRelationships: RelationshipMap<ServiceAccountEvent> = {
  'service-account-created.v1': none,
  'service-account-renamed.v1': none,
  // At once and whole: nobody may act as something that is gone. What is still given to it in a race comes withdrawn.
  'service-account-deleted.v1': ({ data: { serviceAccountId: id } }) => [
    { endObject: `service_account:${id}` },
    { suspend: `service_account:${id}` },
  ],
  'service-account-token-issued.v1': none,
  'service-account-token-revoked.v1': none,
};
