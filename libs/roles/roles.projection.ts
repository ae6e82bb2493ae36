import type { EventMap } from '../event-store/index.js';
import { readModel, type Row, type RowChange } from '../projections/index.js';
import type { RoleContent, RoleEvent } from './role.decider.js';

const table = 'role';

function columnsOf({ spelledAs, ...content }: Partial<RoleContent>): Row {
  return { ...(content as Row), ...(spelledAs && { spelled_as: spelledAs }) };
}

const changes = {
  'role-created.v1': ({ data: { roleId: id, tenantId, at, ...content } }) => {
    const times = { created_at: at, updated_at: at, revision: 1 };
    return [{ table, put: { id, tenant_id: tenantId, ...columnsOf(content), ...times } }];
  },
  'role-changed.v1': ({ data: { roleId: id, to, at, revision } }) => [
    { table, key: { id }, patch: { ...columnsOf(to), updated_at: at, revision } },
  ],
  'role-deletion-started.v1': () => [],
  'role-deletion-stopped.v1': () => [],
  'role-deleted.v1': ({ data: { roleId: id } }) => [{ table, remove: { id } }],
} satisfies EventMap<RoleEvent, readonly RowChange[]>;

export const rolesModel = readModel({
  name: 'roles',
  version: 1,
  tables: [
    {
      name: table,
      key: ['id'],
      columns: {
        id: 'text',
        tenant_id: 'text',
        name: 'text',
        description: 'text',
        requestable: 'boolean',
        permissions: 'jsonb',
        spelled_as: 'jsonb',
        created_at: 'timestamptz',
        updated_at: 'timestamptz',
        revision: 'integer',
      },
    },
  ],
  changes,
});
