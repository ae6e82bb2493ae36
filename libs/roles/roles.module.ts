import { Module } from '@nestjs/common';
import { ChangeRoleHandler } from './change-role.js';
import { CompleteRoleCreationHandler, CompleteRoleRenamingHandler, ReleaseRoleNameHandler } from './complete-role.js';
import { CreateRoleHandler } from './create-role.js';
import {
  CompleteRoleDeletionHandler,
  DeleteOrphanedRoleHandler,
  DeleteRoleHandler,
  ClearRolesHandler,
} from './delete-role.js';
import { GetRoleHandler, ListRolesHandler } from './list-roles.js';
import { RoleHolders } from './role-holders.js';
import { RoleRights } from './role-rights.js';

/** Commands and queries; the routes are with the API. */
@Module({
  providers: [
    RoleHolders,
    RoleRights,
    CreateRoleHandler,
    CompleteRoleCreationHandler,
    ChangeRoleHandler,
    CompleteRoleRenamingHandler,
    ReleaseRoleNameHandler,
    DeleteRoleHandler,
    CompleteRoleDeletionHandler,
    DeleteOrphanedRoleHandler,
    ClearRolesHandler,
    ListRolesHandler,
    GetRoleHandler,
  ],
  exports: [RoleRights],
})
export class RolesModule {}
