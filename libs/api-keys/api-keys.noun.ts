import { noun } from '../projections/index.js';
import type { ApiKeyEvent } from './api-keys.decider.js';
import { apiKeysAudit } from './api-keys.audit.js';
import { apiKeyRelationships } from './api-keys.relationships.js';

export const apiKeysNoun = noun<ApiKeyEvent>({
  name: 'api-keys',
  types: {
    'api-key-created.v1': 'A member of a tenant got a key that acts as them there; only its HMAC is kept.',
    'api-key-revoked.v1': 'An API key works no more; it stays in the list.',
    'api-key-deleted.v1': 'An API key went with its tenant.',
  },
  subjects: { 'api-key-created.v1': ({ data: { userId } }) => `user:${userId}` },
  relationships: apiKeyRelationships,
  audit: apiKeysAudit,
});
