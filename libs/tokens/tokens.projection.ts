import type { EventMap } from '../event-store/index.js';
import { readModel, type RowChange } from '../projections/index.js';
import type { UserErased } from '../users/index.js';
import type { TokenEvent } from './user-tokens.decider.js';

const table = 'token';

const changes = {
  'token-issued.v1': ({ data: { tokenId: id, userId, hmac, expiresAt, at }, personal, metadata }) => {
    const owner = { user_id: userId, name: personal?.name ?? '', created_by: metadata.actor.id };
    return [
      { table, put: { id, ...owner, hmac, created_at: at, expires_at: expiresAt, revoked_at: null, revision: 1 } },
    ];
  },
  'token-revoked.v1': ({ data: { tokenId: id, at } }) => [
    { table, key: { id }, patch: { revoked_at: at, revision: 2 } },
  ],
  'user-erased.v1': ({ data: { userId } }) => [{ table, forgetWhere: { user_id: userId }, set: { name: '' } }],
} satisfies EventMap<TokenEvent | UserErased, readonly RowChange[]>;

export const tokensModel = readModel({
  name: 'tokens',
  version: 1,
  tables: [
    {
      name: table,
      key: ['id'],
      columns: {
        id: 'text',
        user_id: 'text',
        name: 'text',
        hmac: 'text',
        created_at: 'timestamptz',
        created_by: 'text',
        expires_at: 'timestamptz',
        revoked_at: 'timestamptz',
        revision: 'integer',
      },
    },
  ],
  changes,
});
