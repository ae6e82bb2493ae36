import type { EventMap } from '../event-store/index.js';
import { readModel, type RowChange } from '../projections/index.js';
import type { TenantEvent } from './tenant.decider.js';

const table = 'tenant';

const changes = {
  'tenant-created.v1': ({ data: { tenantId: id, name, rootWorkspaceId, requestable, at } }) => {
    const times = { created_at: at, updated_at: at, revision: 1 };
    return [{ table, put: { id, name, root_workspace_id: rootWorkspaceId, requestable, ...times } }];
  },
  'tenant-renamed.v1': ({ data: { tenantId: id, to, at, revision } }) => [
    { table, key: { id }, patch: { name: to, updated_at: at, revision } },
  ],
  'tenant-requestable-roles-set.v1': ({ data: { tenantId: id, to, at, revision } }) => [
    { table, key: { id }, patch: { requestable: to, updated_at: at, revision } },
  ],
  'tenant-admin-granted.v1': () => [],
  'tenant-admin-ended.v1': () => [],
  'tenant-deletion-started.v1': ({ data: { tenantId: id } }) => [{ table, remove: { id } }],
  'tenant-deleted.v1': () => [],
} satisfies EventMap<TenantEvent, readonly RowChange[]>;

export const tenantsModel = readModel({
  name: 'tenants',
  version: 1,
  tables: [
    {
      name: table,
      key: ['id'],
      columns: {
        id: 'text',
        name: 'text',
        root_workspace_id: 'text',
        requestable: 'jsonb',
        created_at: 'timestamptz',
        updated_at: 'timestamptz',
        revision: 'integer',
      },
    },
  ],
  changes,
});
