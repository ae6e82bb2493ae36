import type { DomainPart } from '../projections/index.js';
import { workspacesModel } from './workspaces.projection.js';
import { workspacesNoun } from './workspaces.noun.js';

export { ClearWorkspaces } from './clear-workspaces.js';
export { CreateWorkspace } from './create-workspace.js';
export { ListWorkspaces, type WorkspaceTables } from './list-workspaces.js';
export { workspaceProblems } from './problems.js';
export { loadWorkspaceTree, workspaceTreeAt } from './workspace-stream.js';
export * from './workspace-tree.decider.js';
export { WorkspacesController } from './workspaces.controller.js';
export { WorkspacesModule } from './workspaces.module.js';

export const workspacesPart: DomainPart = { nouns: [workspacesNoun], readModels: [workspacesModel], processes: [] };
