import { BEFORE_START, type CommandContext, DeciderRuntime, type Decision } from '../event-store/index.js';
import type { Accepted } from '../edge/index.js';
import { Refused } from '../platform/index.js';
import { type Workspace, type WorkspaceEvent, type WorkspaceTree, workspaceTree } from './workspace-tree.decider.js';

export interface WorkspaceResource {
  id: string;
  tenantId: string;
  name: string;
  parentId: string | null;
  isRoot: boolean;
  createdAt: string;
  updatedAt: string;
}

const workspacesStream = (tenantId: string): string => `workspaces-${tenantId}`;

function workspaceResource(tenantId: string, workspace: Workspace): WorkspaceResource {
  const { id, name, parentId, createdAt, updatedAt } = workspace;
  return { id, tenantId, name, parentId, isRoot: parentId === null, createdAt, updatedAt };
}

export function executeOnTree(
  runtime: DeciderRuntime,
  context: CommandContext,
  tenantId: string,
  decide: (tree: WorkspaceTree) => Decision<WorkspaceEvent>,
) {
  return runtime.execute({ stream: workspacesStream(tenantId), decider: workspaceTree, tenantId, context, decide });
}

export async function loadWorkspaceTree(runtime: DeciderRuntime, tenantId: string): Promise<WorkspaceTree> {
  return (await runtime.load(workspacesStream(tenantId), workspaceTree)).state;
}

/** The tree as it was when the log stood at a position. */
export async function workspaceTreeAt(
  runtime: DeciderRuntime,
  tenantId: string,
  position: number,
): Promise<WorkspaceTree> {
  return (await runtime.at(workspacesStream(tenantId), workspaceTree, position)).state;
}

/**
 * The answer about one workspace of a tree.
 * @throws Refused `not-found` where the tree has it not (any more)
 */
export function acceptedWorkspace(
  tenantId: string,
  workspaceId: string,
  { state, position = BEFORE_START }: { state: WorkspaceTree; position?: number },
): Accepted<WorkspaceResource> {
  const workspace = state.workspaces.get(workspaceId);
  if (!workspace) throw new Refused('not-found');
  return { resource: workspaceResource(tenantId, workspace), revision: workspace.revision, position };
}
