import type { AuditMap } from '../audit-log/index.js';
import type { ApiKeyEvent } from './api-keys.decider.js';

const apiKey = (id: string) => ({ type: 'api_key', id });

export const apiKeysAudit: AuditMap<ApiKeyEvent> = {
  'api-key-created.v1': ({ data: { apiKeyId, userId, expiresAt } }) => ({
    action: 'api-key.created',
    resource: apiKey(apiKeyId),
    new: { userId, expiresAt },
  }),
  'api-key-revoked.v1': ({ data: { apiKeyId, userId, reason } }) => ({
    action: 'api-key.revoked',
    resource: apiKey(apiKeyId),
    old: { userId },
    new: { userId, reason },
  }),
  'api-key-deleted.v1': ({ data: { apiKeyId, userId } }) => ({
    action: 'api-key.deleted',
    resource: apiKey(apiKeyId),
    old: { userId },
  }),
};
