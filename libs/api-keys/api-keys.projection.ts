import type { EventMap } from '../event-store/index.js';
import { readModel, type RowChange } from '../projections/index.js';
import type { UserErased } from '../users/index.js';
import type { ApiKeyEvent } from './api-keys.decider.js';

const table = 'api_key';

const changes = {
  'api-key-created.v1': ({ data: { apiKeyId: id, tenantId, userId, prefix, hmac, expiresAt, at }, personal }) => {
    const owner = { tenant_id: tenantId, user_id: userId, name: personal?.name ?? '' };
    const times = { created_at: at, expires_at: expiresAt, revoked_at: null, revision: 1 };
    return [{ table, put: { id, ...owner, prefix, hmac, ...times } }];
  },
  'api-key-revoked.v1': ({ data: { apiKeyId: id, at } }) => [
    { table, key: { id }, patch: { revoked_at: at, revision: 2 } },
  ],
  'api-key-deleted.v1': ({ data: { apiKeyId: id } }) => [{ table, remove: { id } }],
  'user-erased.v1': ({ data: { userId } }) => [{ table, forgetWhere: { user_id: userId }, set: { name: '' } }],
} satisfies EventMap<ApiKeyEvent | UserErased, readonly RowChange[]>;

export const apiKeysModel = readModel({
  name: 'api-keys',
  version: 2,
  tables: [
    {
      name: table,
      key: ['id'],
      columns: {
        id: 'text',
        tenant_id: 'text',
        user_id: 'text',
        name: 'text',
        prefix: 'text',
        hmac: 'text',
        created_at: 'timestamptz',
        expires_at: 'timestamptz',
        revoked_at: 'timestamptz',
        revision: 'integer',
      },
    },
  ],
  changes,
});
