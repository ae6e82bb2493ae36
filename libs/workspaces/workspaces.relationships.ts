import { none, type RelationshipMap, type SourceChange } from '../outbox/index.js';
import type { WorkspaceCreated, WorkspaceEvent } from './workspace-tree.decider.js';

/** The source of tuples that say how things are built. */
const STRUCTURE = 'structure';

export const workspaceRelationships: RelationshipMap<WorkspaceEvent> = {
  'workspace-created.v1': ({ data }) => (data.parentId === null ? root(data) : child(data, data.parentId)),
  'workspace-renamed.v1': none,
  'workspace-moved.v1': ({ data: { workspaceId, fromParentId, toParentId } }) => [
    { end: parentTuple(workspaceId, fromParentId), source: STRUCTURE },
    { want: parentTuple(workspaceId, toParentId), source: STRUCTURE },
  ],
  'workspace-deleted.v1': ({ data }) => [{ endObject: `workspace:${data.workspaceId}` }],
  'workspace-tree-closed.v1': none,
};

function root({ workspaceId, tenantId }: WorkspaceCreated['data']): SourceChange[] {
  const [workspace, tenant] = [`workspace:${workspaceId}`, `tenant:${tenantId}`];
  return [
    { want: { resource: workspace, relation: 'tenant', subject: tenant }, source: STRUCTURE },
    { want: { resource: workspace, relation: 'creator_tenant', subject: tenant }, source: STRUCTURE },
    { want: { resource: tenant, relation: 'root_workspace', subject: workspace }, source: STRUCTURE },
  ];
}

function child({ workspaceId, tenantId }: WorkspaceCreated['data'], parentId: string): SourceChange[] {
  const tenant = { resource: `workspace:${workspaceId}`, relation: 'tenant', subject: `tenant:${tenantId}` };
  return [
    { want: tenant, source: STRUCTURE },
    { want: parentTuple(workspaceId, parentId), source: STRUCTURE },
  ];
}

function parentTuple(workspaceId: string, parentId: string) {
  return { resource: `workspace:${workspaceId}`, relation: 'parent', subject: `workspace:${parentId}` };
}
