import { process } from '../projections/index.js';
import type { ServiceAccountDeleted } from '../service-accounts/index.js';
import { CreateTenant } from '../tenants/index.js';
import { RegisterUser, type UserDeactivated } from '../users/index.js';
import type { InstallationInitialised, SystemCheckerGranted } from './installation.decider.js';
import { EndChecker, EndOrphanedChecker } from './checkers.js';
import { EndSystemAdmin, GrantSystemAdmin } from './system-admins.js';

const ADMIN_NAME = 'Administrator';

/** The first start goes on to the administrator and the default tenant; who is gone is no system admin and no checker. */
export const installationProcess = process<
  InstallationInitialised | SystemCheckerGranted | UserDeactivated | ServiceAccountDeleted
>({
  name: 'installation',
  followUps: {
    'installation-initialised.v1': ({ data }) => {
      const { adminUserId: userId, defaultTenantId: tenantId, defaultTenantName: name } = data;
      const { rootWorkspaceId, rootWorkspaceName } = data;
      const admin = { userId, externalIdentity: null, profile: { displayName: ADMIN_NAME }, builtIn: true };
      const tenant = { tenantId, name, rootWorkspaceId, rootWorkspaceName, creatorId: userId };
      return [
        (context) => new RegisterUser(context, admin),
        (context) => new GrantSystemAdmin(context, { userId }),
        (context) => new CreateTenant(context, tenant),
      ];
    },
    'user-deactivated.v1': ({ data: { userId } }) => [
      (context) => new EndSystemAdmin(context, { userId }),
      (context) => new EndChecker(context, { subjectId: userId, reason: 'subject-gone' }),
    ],
    'service-account-deleted.v1': ({ data: { serviceAccountId: subjectId } }) => [
      (context) => new EndChecker(context, { subjectId, reason: 'subject-gone' }),
    ],
    'system-checker-granted.v1': ({ data: { subject }, position }) => [
      (context) => new EndOrphanedChecker(context, { subject, position }),
    ],
  },
});
