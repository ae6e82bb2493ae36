import type { AuditMap } from '../audit-log/index.js';
import type { TenantEvent } from './tenant.decider.js';
import type { TenantNameEvent } from './tenant-name.decider.js';

const tenant = (id: string) => ({ type: 'tenant', id });

export const tenantsAudit: AuditMap<TenantEvent> = {
  'tenant-created.v1': ({ data: { tenantId, name, rootWorkspaceId } }) => ({
    action: 'tenant.created',
    resource: tenant(tenantId),
    new: { name, rootWorkspaceId },
  }),
  'tenant-renamed.v1': ({ data: { tenantId, from, to } }) => ({
    action: 'tenant.renamed',
    resource: tenant(tenantId),
    old: { name: from },
    new: { name: to },
  }),
  'tenant-requestable-roles-set.v1': ({ data: { tenantId, from, to } }) => ({
    action: 'tenant.requestable-roles-set',
    resource: tenant(tenantId),
    old: { requestableRoles: from },
    new: { requestableRoles: to },
  }),
  'tenant-admin-granted.v1': ({ data: { tenantId, userId, source, until } }) => ({
    action: 'tenant.admin-granted',
    resource: tenant(tenantId),
    new: { userId, role: 'admin', source, until },
  }),
  'tenant-admin-ended.v1': ({ data: { tenantId, userId, sources, reason, stillAdmin, becomesMember } }) => ({
    action: 'tenant.admin-ended',
    resource: tenant(tenantId),
    old: { userId, role: 'admin', sources },
    new: { userId, role: stillAdmin ? 'admin' : becomesMember ? 'member' : null, reason },
  }),
  'tenant-deletion-started.v1': ({ data: { tenantId, name } }) => ({
    action: 'tenant.deletion-started',
    resource: tenant(tenantId),
    old: { name },
  }),
  'tenant-deleted.v1': ({ data: { tenantId, name, workspaces } }) => ({
    action: 'tenant.deleted',
    resource: tenant(tenantId),
    old: { name, workspaces },
  }),
};

export const tenantNamesAudit: AuditMap<TenantNameEvent> = {
  'tenant-name-claimed.v1': ({ data: { tenantId, name, claim } }) => ({
    action: 'tenant-name.claimed',
    resource: tenant(tenantId),
    new: { name, for: claim.for },
  }),
  'tenant-name-released.v1': ({ data: { tenantId, name } }) => ({
    action: 'tenant-name.released',
    resource: tenant(tenantId),
    old: { name },
  }),
};
