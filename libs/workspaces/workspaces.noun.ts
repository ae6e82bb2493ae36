import { noun } from '../projections/index.js';
import type { WorkspaceEvent } from './workspace-tree.decider.js';
import { workspacesAudit } from './workspaces.audit.js';
import { workspaceRelationships } from './workspaces.relationships.js';

export const workspacesNoun = noun<WorkspaceEvent>({
  name: 'workspaces',
  types: {
    'workspace-created.v1': 'A workspace was created, the root (without a parent) or below one.',
    'workspace-renamed.v1': 'A workspace got another name.',
    'workspace-moved.v1': 'A workspace got another parent.',
    'workspace-deleted.v1': 'A workspace without children was deleted.',
    'workspace-tree-closed.v1': 'The tenant is being deleted: no workspace is created any more.',
  },
  relationships: workspaceRelationships,
  audit: workspacesAudit,
});
