import { process } from '../projections/index.js';
import type { TenantDeletionStarted } from '../tenants/index.js';
import { ClearServiceAccounts, DeleteOrphanedServiceAccount } from './clear-service-accounts.js';
import type { ServiceAccountCreated } from './service-account.decider.js';

/** Service accounts go with their tenant, those too that were created while it went. */
export const serviceAccountsProcess = process<ServiceAccountCreated | TenantDeletionStarted>({
  name: 'service-accounts',
  followUps: {
    'service-account-created.v1': ({ data: { tenantId, serviceAccountId }, position }) => [
      (context) => new DeleteOrphanedServiceAccount(context, { tenantId, serviceAccountId, position }),
    ],
    'tenant-deletion-started.v1': ({ data: { tenantId }, position }) => [
      (context) => new ClearServiceAccounts(context, { tenantId, position }),
    ],
  },
});
