import { process } from '../projections/index.js';
import {
  CompleteTenant,
  CompleteTenantDeletion,
  CompleteTenantRenaming,
  ReleaseTenantName,
} from './complete-tenant.js';
import type { TenantDeleted, TenantDeletionStarted, TenantRenamed } from './tenant.decider.js';
import type { TenantNameClaimed } from './tenant-name.decider.js';
import { TENANTS_PROCESS } from './tenant-streams.js';

/** A claimed name goes on to its tenant; a tenant that is being deleted loses everything, at last its name. */
export const tenantsProcess = process<TenantNameClaimed | TenantRenamed | TenantDeletionStarted | TenantDeleted>({
  name: TENANTS_PROCESS,
  followUps: {
    'tenant-name-claimed.v1': ({ data: { tenantId, name, claim } }) => [
      (context) =>
        claim.for === 'creation'
          ? new CompleteTenant(context, { tenantId, name, claim })
          : new CompleteTenantRenaming(context, { tenantId, name }),
    ],
    'tenant-renamed.v1': ({ data: { tenantId, from } }) => [
      (context) => new ReleaseTenantName(context, { tenantId, name: from }),
    ],
    'tenant-deletion-started.v1': ({ data: { tenantId } }) => [
      (context) => new CompleteTenantDeletion(context, { tenantId }),
    ],
    'tenant-deleted.v1': ({ data: { tenantId, name } }) => [
      (context) => new ReleaseTenantName(context, { tenantId, name }),
    ],
  },
});
