import { nameKey } from '../platform/index.js';
import { process } from '../projections/index.js';
import type { TenantDeletionStarted } from '../tenants/index.js';
import { CompleteRoleCreation, CompleteRoleRenaming, ReleaseRoleName } from './complete-role.js';
import { CompleteRoleDeletion, DeleteOrphanedRole, ClearRoles } from './delete-role.js';
import type { RoleNameClaimed } from './role-name.decider.js';
import type { RoleEvent } from './role.decider.js';
import { ROLES_PROCESS } from './role-streams.js';

/** A claimed name goes on to its role; a role that goes gives its name back, and goes with its tenant. */
export const rolesProcess = process<RoleEvent | RoleNameClaimed | TenantDeletionStarted>({
  name: ROLES_PROCESS,
  followUps: {
    'role-name-claimed.v1': ({ position: claimedAt, data: { tenantId, roleId, name, claim } }) => [
      (context) =>
        claim.for === 'creation'
          ? new CompleteRoleCreation(context, { tenantId, roleId, name, claim })
          : new CompleteRoleRenaming(context, { tenantId, roleId, name, claim, claimedAt }),
    ],
    'role-created.v1': ({ position, data: { tenantId, roleId } }) => [
      (context) => new DeleteOrphanedRole(context, { tenantId, roleId, position }),
    ],
    'role-changed.v1': ({ position: before, data: { tenantId, roleId, from, to } }) => {
      const { name } = from;
      // Another spelling of the same name: the claim still serves.
      if (name === undefined || nameKey(name) === nameKey(to.name!)) return [];
      return [(context) => new ReleaseRoleName(context, { tenantId, roleId, name, before })];
    },
    'role-deletion-started.v1': ({ position, data: { tenantId, roleId } }) => [
      (context) => new CompleteRoleDeletion(context, { tenantId, roleId, position }),
    ],
    'role-deleted.v1': ({ position: before, data: { tenantId, roleId, name } }) => [
      (context) => new ReleaseRoleName(context, { tenantId, roleId, name, before }),
    ],
    'tenant-deletion-started.v1': ({ position, data: { tenantId } }) => [
      (context) => new ClearRoles(context, { tenantId, position }),
    ],
  },
});
