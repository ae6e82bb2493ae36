import type { Decider, Decision, DomainEvent } from '../event-store/index.js';
import type { SameNameAs } from '../platform/index.js';

export type WorkspaceCreated = DomainEvent<
  'workspace-created.v1',
  {
    workspaceId: string;
    tenantId: string;
    name: string;
    /** null for the root. */
    parentId: string | null;
    /** Becomes the workspace's admin; null for a root, and where nobody gains by creating. */
    creatorId: string | null;
    /** Absent for a user. */
    creatorType?: 'service_account';
    at: string;
  }
>;
export type WorkspaceRenamed = DomainEvent<
  'workspace-renamed.v1',
  { workspaceId: string; tenantId: string; from: string; to: string; revision: number; at: string }
>;
export type WorkspaceMoved = DomainEvent<
  'workspace-moved.v1',
  { workspaceId: string; tenantId: string; fromParentId: string; toParentId: string; revision: number; at: string }
>;
export type WorkspaceDeleted = DomainEvent<
  'workspace-deleted.v1',
  { workspaceId: string; tenantId: string; name: string; parentId: string | null; at: string }
>;
export type WorkspaceTreeClosed = DomainEvent<'workspace-tree-closed.v1', { tenantId: string; at: string }>;
export type WorkspaceEvent =
  WorkspaceCreated | WorkspaceRenamed | WorkspaceMoved | WorkspaceDeleted | WorkspaceTreeClosed;

export interface Workspace {
  id: string;
  name: string;
  parentId: string | null;
  createdAt: string;
  updatedAt: string;
  revision: number;
}
export interface WorkspaceTree {
  closed: boolean;
  workspaces: ReadonlyMap<string, Workspace>;
}

function put(tree: WorkspaceTree, workspace: Workspace): WorkspaceTree {
  return { ...tree, workspaces: new Map(tree.workspaces).set(workspace.id, workspace) };
}

function change(tree: WorkspaceTree, id: string, at: string, set: Partial<Workspace>): WorkspaceTree {
  const workspace = tree.workspaces.get(id);
  if (!workspace) return tree;
  return put(tree, { ...workspace, ...set, updatedAt: at, revision: workspace.revision + 1 });
}

function drop(tree: WorkspaceTree, id: string): WorkspaceTree {
  const workspaces = new Map(tree.workspaces);
  workspaces.delete(id);
  return { ...tree, workspaces };
}

export const workspaceTree: Decider<WorkspaceTree, WorkspaceEvent> = {
  name: 'workspace-tree',
  initial: { closed: false, workspaces: new Map() },
  evolve: (tree, event) => {
    switch (event.type) {
      case 'workspace-created.v1': {
        const { workspaceId: id, name, parentId, at } = event.data;
        return put(tree, { id, name, parentId, createdAt: at, updatedAt: at, revision: 1 });
      }
      case 'workspace-renamed.v1':
        return change(tree, event.data.workspaceId, event.data.at, { name: event.data.to });
      case 'workspace-moved.v1':
        return change(tree, event.data.workspaceId, event.data.at, { parentId: event.data.toParentId });
      case 'workspace-deleted.v1':
        return drop(tree, event.data.workspaceId);
      case 'workspace-tree-closed.v1':
        return { ...tree, closed: true };
    }
  },
};

export interface CreateWorkspace {
  workspaceId: string;
  tenantId: string;
  name: string;
  parentId: string | null;
  creatorId: string | null;
  creatorType?: 'user' | 'service_account';
  at: string;
}

export function createWorkspace(
  command: CreateWorkspace,
  tree: WorkspaceTree,
  sameNameAs: SameNameAs,
): Decision<WorkspaceEvent> {
  const { workspaceId, tenantId, name, parentId, creatorId, creatorType, at } = command;
  if (tree.closed) return { refused: 'not-found' };
  if (tree.workspaces.has(workspaceId)) return [];
  if (parentId === null && tree.workspaces.size > 0) return { refused: 'root-exists' };
  if (parentId !== null && !tree.workspaces.has(parentId)) return { refused: 'parent-not-found', field: 'parentId' };
  const isSame = sameNameAs(name);
  if (children(tree, parentId).some((child) => isSame(child.name)))
    return { refused: 'workspace-name-taken', field: 'name' };
  const creator = { creatorId, ...(creatorType === 'service_account' && { creatorType }) };
  return [{ type: 'workspace-created.v1', data: { workspaceId, tenantId, name, parentId, ...creator, at } }];
}

export interface ChangeWorkspace {
  workspaceId: string;
  tenantId: string;
  name?: string;
  parentId?: string;
  ifRevision?: number;
  at: string;
}

export function changeWorkspace(
  command: ChangeWorkspace,
  tree: WorkspaceTree,
  sameNameAs: SameNameAs,
): Decision<WorkspaceEvent> {
  const workspace = tree.workspaces.get(command.workspaceId);
  if (!workspace || tree.closed) return { refused: 'not-found' };
  if (command.ifRevision !== undefined && command.ifRevision !== workspace.revision)
    return { refused: 'stale-revision' };
  const { workspaceId, tenantId, at } = command;
  const name = command.name ?? workspace.name;
  const parentId = command.parentId ?? workspace.parentId;
  const refusal = parentId === workspace.parentId ? undefined : refuseMove(tree, workspace, parentId!);
  if (refusal) return refusal;
  const siblings = children(tree, parentId).filter(({ id }) => id !== workspaceId);
  const isSame = sameNameAs(name);
  if (siblings.some((sibling) => isSame(sibling.name))) return { refused: 'workspace-name-taken', field: 'name' };
  const events: WorkspaceEvent[] = [];
  if (name !== workspace.name) {
    events.push({
      type: 'workspace-renamed.v1',
      data: { workspaceId, tenantId, from: workspace.name, to: name, revision: workspace.revision + 1, at },
    });
  }
  if (parentId !== workspace.parentId) {
    const revision = workspace.revision + events.length + 1;
    const move = { workspaceId, tenantId, fromParentId: workspace.parentId!, toParentId: parentId!, revision, at };
    events.push({ type: 'workspace-moved.v1', data: move });
  }
  return events;
}

function refuseMove(tree: WorkspaceTree, workspace: Workspace, parentId: string) {
  if (workspace.parentId === null) return { refused: 'root-workspace', field: 'parentId' };
  if (!tree.workspaces.has(parentId)) return { refused: 'parent-not-found', field: 'parentId' };
  for (let id: string | null = parentId; id !== null; id = tree.workspaces.get(id)?.parentId ?? null) {
    if (id === workspace.id) return { refused: 'workspace-cycle', field: 'parentId' };
  }
  return undefined;
}

export interface DeleteWorkspace {
  workspaceId: string;
  tenantId: string;
  ifRevision?: number;
  at: string;
}

export function deleteWorkspace(command: DeleteWorkspace, tree: WorkspaceTree): Decision<WorkspaceEvent> {
  const workspace = tree.workspaces.get(command.workspaceId);
  if (!workspace || tree.closed) return { refused: 'not-found' };
  if (command.ifRevision !== undefined && command.ifRevision !== workspace.revision)
    return { refused: 'stale-revision' };
  if (workspace.parentId === null) return { refused: 'root-workspace' };
  if ([...tree.workspaces.values()].some(({ parentId }) => parentId === workspace.id)) {
    return { refused: 'workspace-has-children' };
  }
  return [removal(workspace, command)];
}

export function closeWorkspaceTree(
  command: { tenantId: string; at: string },
  tree: WorkspaceTree,
): Decision<WorkspaceEvent> {
  return tree.closed
    ? []
    : [{ type: 'workspace-tree-closed.v1', data: { tenantId: command.tenantId, at: command.at } }];
}

/** The next `most` workspaces of a closed tree, every parent after all its children. */
export function clearWorkspaceTree(
  command: { tenantId: string; most: number; at: string },
  tree: WorkspaceTree,
): Decision<WorkspaceEvent> {
  if (!tree.closed) return [];
  const depth = (workspace: Workspace): number => {
    const parent = workspace.parentId === null ? undefined : tree.workspaces.get(workspace.parentId);
    return parent ? depth(parent) + 1 : 0;
  };
  return [...tree.workspaces.values()]
    .map((workspace) => ({ workspace, depth: depth(workspace) }))
    .sort((a, b) => b.depth - a.depth)
    .slice(0, command.most)
    .map(({ workspace }) => removal(workspace, command));
}

function removal(workspace: Workspace, { tenantId, at }: { tenantId: string; at: string }): WorkspaceEvent {
  const { id: workspaceId, name, parentId } = workspace;
  return { type: 'workspace-deleted.v1', data: { workspaceId, tenantId, name, parentId, at } };
}

function children(tree: WorkspaceTree, parentId: string | null): Workspace[] {
  return [...tree.workspaces.values()].filter((workspace) => workspace.parentId === parentId);
}
