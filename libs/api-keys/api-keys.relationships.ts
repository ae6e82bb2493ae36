import { none, type RelationshipMap } from '../outbox/index.js';
import type { ApiKeyEvent } from './api-keys.decider.js';

const source = 'creation';

export const apiKeyRelationships: RelationshipMap<ApiKeyEvent> = {
  'api-key-created.v1': ({ data: { apiKeyId, tenantId, userId } }) => {
    const resource = `api_key:${apiKeyId}`;
    return [
      { want: { resource, relation: 'owner', subject: `user:${userId}` }, source },
      { want: { resource, relation: 'tenant', subject: `tenant:${tenantId}` }, source },
    ];
  },
  // It stays visible to its owner and to the tenant's admins.
  'api-key-revoked.v1': none,
  'api-key-deleted.v1': ({ data: { apiKeyId } }) => [{ endObject: `api_key:${apiKeyId}` }],
};
