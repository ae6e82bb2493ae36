import type { AuditMap } from '../audit-log/index.js';
import type { WorkspaceEvent } from './workspace-tree.decider.js';

const workspace = (id: string) => ({ type: 'workspace', id });

export const workspacesAudit: AuditMap<WorkspaceEvent> = {
  'workspace-created.v1': ({ data: { workspaceId, name, parentId } }) => ({
    action: 'workspace.created',
    resource: workspace(workspaceId),
    new: { name, parentId },
  }),
  'workspace-renamed.v1': ({ data: { workspaceId, from, to } }) => ({
    action: 'workspace.renamed',
    resource: workspace(workspaceId),
    old: { name: from },
    new: { name: to },
  }),
  'workspace-moved.v1': ({ data: { workspaceId, fromParentId, toParentId } }) => ({
    action: 'workspace.moved',
    resource: workspace(workspaceId),
    old: { parentId: fromParentId },
    new: { parentId: toParentId },
  }),
  'workspace-deleted.v1': ({ data: { workspaceId, name, parentId } }) => ({
    action: 'workspace.deleted',
    resource: workspace(workspaceId),
    old: { name, parentId },
  }),
  'workspace-tree-closed.v1': ({ data: { tenantId } }) => ({
    action: 'workspace-tree.closed',
    resource: { type: 'tenant', id: tenantId },
  }),
};
