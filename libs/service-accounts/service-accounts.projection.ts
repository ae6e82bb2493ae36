import type { EventMap, Recorded } from '../event-store/index.js';
import { readModel, type RowChange } from '../projections/index.js';
import type { ServiceAccountEvent } from './service-account.decider.js';

const accounts = 'service_account';
const tokens = 'service_account_token';

function actingIn({ metadata: { actor } }: Recorded): string {
  return (actor.onBehalfOf ?? actor).id;
}

const changes = {
  'service-account-created.v1': ({ data: { serviceAccountId: id, tenantId, name, at } }) => [
    { table: accounts, put: { id, tenant_id: tenantId, name, created_at: at, updated_at: at, revision: 1 } },
  ],
  'service-account-renamed.v1': ({ data: { serviceAccountId: id, to, revision, at } }) => [
    { table: accounts, key: { id }, patch: { name: to, updated_at: at, revision } },
  ],
  'service-account-deleted.v1': ({ data: { serviceAccountId: id } }) => [
    { table: accounts, remove: { id } },
    { table: tokens, removeWhere: { service_account_id: id } },
  ],
  'service-account-token-issued.v1': (event) => {
    const { tokenId: id, serviceAccountId, tenantId, name, hmac, expiresAt, at } = event.data;
    const owner = { service_account_id: serviceAccountId, tenant_id: tenantId, created_by: actingIn(event) };
    const times = { created_at: at, expires_at: expiresAt, revoked_at: null, revision: 1 };
    return [{ table: tokens, put: { id, ...owner, name, hmac, ...times } }];
  },
  'service-account-token-revoked.v1': ({ data: { tokenId: id, at } }) => [
    { table: tokens, key: { id }, patch: { revoked_at: at, revision: 2 } },
  ],
} satisfies EventMap<ServiceAccountEvent, readonly RowChange[]>;

export const serviceAccountsModel = readModel({
  name: 'service-accounts',
  version: 1,
  tables: [
    {
      name: accounts,
      key: ['id'],
      columns: {
        id: 'text',
        tenant_id: 'text',
        name: 'text',
        created_at: 'timestamptz',
        updated_at: 'timestamptz',
        revision: 'integer',
      },
    },
    {
      name: tokens,
      key: ['id'],
      columns: {
        id: 'text',
        service_account_id: 'text',
        tenant_id: 'text',
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
