import type { EventMap } from '../event-store/index.js';
import { readModel, type RowChange } from '../projections/index.js';
import type { WorkspaceEvent } from './workspace-tree.decider.js';

const table = 'workspace';

const changes = {
  'workspace-created.v1': ({ data: { workspaceId: id, tenantId, name, parentId, at } }) => [
    {
      table,
      put: { id, tenant_id: tenantId, name, parent_id: parentId, created_at: at, updated_at: at, revision: 1 },
    },
  ],
  'workspace-renamed.v1': ({ data: { workspaceId: id, to, at, revision } }) => [
    { table, key: { id }, patch: { name: to, updated_at: at, revision } },
  ],
  'workspace-moved.v1': ({ data: { workspaceId: id, toParentId, at, revision } }) => [
    { table, key: { id }, patch: { parent_id: toParentId, updated_at: at, revision } },
  ],
  'workspace-deleted.v1': ({ data: { workspaceId: id } }) => [{ table, remove: { id } }],
  'workspace-tree-closed.v1': () => [],
} satisfies EventMap<WorkspaceEvent, readonly RowChange[]>;

export const workspacesModel = readModel({
  name: 'workspaces',
  version: 1,
  tables: [
    {
      name: table,
      key: ['id'],
      columns: {
        id: 'text',
        tenant_id: 'text',
        name: 'text',
        parent_id: 'text',
        created_at: 'timestamptz',
        updated_at: 'timestamptz',
        revision: 'integer',
      },
    },
  ],
  changes,
});
