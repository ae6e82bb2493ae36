import { Module } from '@nestjs/common';
import { AppointAdminHandler } from './appoint-admin.js';
import { EndOrphanedRoleHandler } from './end-orphaned-role.js';
import { EndRoleHandler } from './end-role.js';
import { GrantRoleHandler } from './grant-role.js';
import { FindAssignmentHandler, ListAssignmentsHandler } from './list-assignments.js';
import { GetMemberHandler, ListMembersHandler } from './list-members.js';
import { RolesModule } from '../roles/index.js';
import { RoleGiving } from './role-giving.js';
import {
  EndMembershipHandler,
  LeaveAllTenantsHandler,
  RemoveServiceAccountHandler,
  RemoveTenantMemberHandler,
} from './remove-member.js';

/** Commands and queries; the routes are with the API. */
@Module({
  imports: [RolesModule],
  providers: [
    RoleGiving,
    GrantRoleHandler,
    AppointAdminHandler,
    EndRoleHandler,
    EndOrphanedRoleHandler,
    RemoveTenantMemberHandler,
    RemoveServiceAccountHandler,
    EndMembershipHandler,
    LeaveAllTenantsHandler,
    ListMembersHandler,
    GetMemberHandler,
    ListAssignmentsHandler,
    FindAssignmentHandler,
  ],
  exports: [RoleGiving],
})
export class AssignmentsModule {}
