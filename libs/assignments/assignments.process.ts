import { process } from '../projections/index.js';
import type { TenantAdminEnded, TenantAdminGranted } from '../tenants/index.js';
import type { UserDeactivated } from '../users/index.js';
import type { WorkspaceCreated } from '../workspaces/index.js';
import type { RoleGranted, Subject } from './assignment.decider.js';
import { ASSIGNMENTS_PROCESS, membershipOf } from './assignment-streams.js';
import { EndOrphanedRole } from './end-orphaned-role.js';
import { EndRole } from './end-role.js';
import { BY_PROCESS, GrantRole } from './grant-role.js';
import { EndMembership, LeaveAllTenants } from './remove-member.js';

/**
 * Creators become admins; what nobody can hold any more ends; what a tenant's stream decided of its admins is carried on to
 * their memberships.
 */
export const assignmentsProcess = process<
  RoleGranted | WorkspaceCreated | TenantAdminGranted | TenantAdminEnded | UserDeactivated
>({
  name: ASSIGNMENTS_PROCESS,
  once: ['role-granted.v1'],
  followUps: {
    'role-granted.v1': ({ position, data: { tenantId, subject, target, role, roleRevision, source } }) => [
      (context) => new EndOrphanedRole(context, { tenantId, subject, target, role, roleRevision, source, position }),
    ],
    'workspace-created.v1': ({ data: { workspaceId, tenantId, creatorId, creatorType } }) => {
      if (creatorId === null) return [];
      const subject: Subject = { type: creatorType ?? 'user', id: creatorId };
      const key = { tenantId, subject, target: { type: 'workspace' as const, id: workspaceId } };
      const grant = { ...key, role: 'admin' as const, source: 'creation', until: null, giver: BY_PROCESS };
      return [(context) => new GrantRole(context, grant)];
    },
    'tenant-admin-granted.v1': ({ position, data: { tenantId, userId, replacesMember } }) => {
      if (!replacesMember) return [];
      const end = {
        ...membershipOf(tenantId, { type: 'user', id: userId }),
        role: 'member' as const,
        before: position,
      };
      return [(context) => new EndRole(context, { ...end, reason: 'promoted' })];
    },
    'tenant-admin-ended.v1': ({ data: { tenantId, userId, reason, becomesMember } }) => {
      if (becomesMember) {
        const grant = { role: 'member' as const, source: 'direct', until: becomesMember.until, giver: BY_PROCESS };
        return [
          (context) => new GrantRole(context, { ...membershipOf(tenantId, { type: 'user', id: userId }), ...grant }),
        ];
      }
      if (reason !== 'member-removed' && reason !== 'user-deactivated') return [];
      const end = { tenantId, userId, reason, wasAdmin: true, evenIfNoMember: false };
      return [(context) => new EndMembership(context, end)];
    },
    'user-deactivated.v1': ({ position, data: { userId } }) => [
      (context) => new LeaveAllTenants(context, { userId, position }),
    ],
  },
});
