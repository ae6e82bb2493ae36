import { Module } from '@nestjs/common';
import { ChangeWorkspaceHandler } from './change-workspace.js';
import { ClearWorkspacesHandler } from './clear-workspaces.js';
import { CreateWorkspaceHandler } from './create-workspace.js';
import { DeleteWorkspaceHandler } from './delete-workspace.js';
import { GetWorkspaceHandler, ListWorkspacesHandler } from './list-workspaces.js';

/** Commands and queries; the routes are with the API. */
@Module({
  providers: [
    CreateWorkspaceHandler,
    ChangeWorkspaceHandler,
    DeleteWorkspaceHandler,
    ClearWorkspacesHandler,
    ListWorkspacesHandler,
    GetWorkspaceHandler,
  ],
})
export class WorkspacesModule {}
