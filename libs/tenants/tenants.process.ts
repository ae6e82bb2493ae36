import { nameKey } from '../platform/index.js';
import { process } from '../projections/index.js';
import {
  CompleteTenantCreation,
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
    'tenant-name-claimed.v1': ({ position, data: { tenantId, name, claim } }) => [
      (context) =>
        claim.for === 'creation'
          ? new CompleteTenantCreation(context, { tenantId, name, claim })
          : new CompleteTenantRenaming(context, {
              ...{ tenantId, name, claimedAt: position, ifRevision: claim.ifRevision },
            }),
    ],
    'tenant-renamed.v1': ({ position, data: { tenantId, from, to } }) => {
      // Another spelling of the same name: the claim still serves.
      if (nameKey(from) === nameKey(to)) return [];
      return [(context) => new ReleaseTenantName(context, { tenantId, name: from, before: position })];
    },
    'tenant-deletion-started.v1': ({ data: { tenantId } }) => [
      (context) => new CompleteTenantDeletion(context, { tenantId }),
    ],
    'tenant-deleted.v1': ({ position, data: { tenantId, name } }) => [
      (context) => new ReleaseTenantName(context, { tenantId, name, before: position }),
    ],
  },
});
