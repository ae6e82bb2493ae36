import { noun } from '../projections/index.js';
import type { TenantEvent } from './tenant.decider.js';
import type { TenantNameEvent } from './tenant-name.decider.js';
import { tenantNamesAudit, tenantsAudit } from './tenants.audit.js';
import { tenantNameRelationships, tenantRelationships } from './tenants.relationships.js';

export const tenantsNoun = noun<TenantEvent>({
  name: 'tenants',
  types: {
    'tenant-created.v1': 'A tenant came to be; its root workspace is there.',
    'tenant-renamed.v1': 'A tenant got another name.',
    'tenant-requestable-roles-set.v1': 'A tenant decided which built-in roles may be requested.',
    'tenant-admin-granted.v1': 'A user became tenant admin, from a source.',
    'tenant-admin-ended.v1': 'Sources of a tenant admin ended.',
    'tenant-deletion-started.v1': 'From here on the tenant only loses.',
    'tenant-deleted.v1': 'Nothing of the tenant is left.',
  },
  relationships: tenantRelationships,
  audit: tenantsAudit,
});

export const tenantNamesNoun = noun<TenantNameEvent>({
  name: 'tenant-names',
  types: {
    'tenant-name-claimed.v1': 'A name belongs to a tenant, which is created or renamed with it.',
    'tenant-name-released.v1': 'A name is free again.',
  },
  relationships: tenantNameRelationships,
  audit: tenantNamesAudit,
});
