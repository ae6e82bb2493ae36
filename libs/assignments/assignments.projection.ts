import type { EventMap, Recorded } from '../event-store/index.js';
import { readModel, type Row, type RowChange } from '../projections/index.js';
import type { ServiceAccountDeleted } from '../service-accounts/index.js';
import type { TenantAdminEnded, TenantAdminGranted, TenantDeletionStarted } from '../tenants/index.js';
import type { UserErased } from '../users/index.js';
import type { WorkspaceDeleted } from '../workspaces/index.js';
import type { AssignmentEvent, RoleName, Subject, Target } from './assignment.decider.js';
import { assignmentId, isDecidedByTenant } from './assignment-streams.js';

const table = 'assignment';

type Read =
  | AssignmentEvent
  | ServiceAccountDeleted
  | TenantAdminGranted
  | TenantAdminEnded
  | TenantDeletionStarted
  | UserErased
  | WorkspaceDeleted;

interface Held {
  subject: Subject;
  target: Target;
  role: RoleName;
}

function key({ subject, target, role }: Held, source: string): Row {
  return {
    subject_type: subject.type,
    subject_id: subject.id,
    target_type: target.type,
    target_id: target.id,
    role,
    source,
  };
}

function put({ metadata }: Recorded, tenantId: string, held: Held, grant: { source: string; until: string | null }) {
  const { id: grantedBy } = metadata.actor.onBehalfOf ?? metadata.actor;
  const { subject, target, role } = held;
  // One literal: spreads made this a tenth of the time of a replay.
  const row = {
    id: assignmentId(held),
    tenant_id: tenantId,
    subject_type: subject.type,
    subject_id: subject.id,
    target_type: target.type,
    target_id: target.id,
    role,
    source: grant.source,
    decided_in: isDecidedByTenant(held) ? 'tenant' : 'assignment',
    until: grant.until,
    granted_at: metadata.at,
    granted_by: grantedBy,
  };
  return { table, put: row };
}

const remove = (held: Held, sources: readonly string[]): RowChange[] =>
  sources.map((source) => ({ table, remove: key(held, source) }));

const tenantRole = (tenantId: string, userId: string, role: RoleName): Held => ({
  subject: { type: 'user', id: userId },
  target: { type: 'tenant', id: tenantId },
  role,
});

const changes = {
  'role-granted.v1': (event) => {
    const { tenantId, replaced, subject, target, source, until } = event.data;
    const ended = replaced.flatMap(({ role, sources }) => remove({ subject, target, role }, sources));
    return [...ended, put(event, tenantId, event.data, { source, until })];
  },
  'role-ended.v1': ({ data }) => remove(data, data.sources),
  'tenant-member-removed.v1': ({ data: { tenantId, userId } }) => [
    {
      table,
      removeWhere: { tenant_id: tenantId, subject_type: 'user', subject_id: userId, decided_in: 'assignment' },
    },
  ],
  'tenant-service-account-removed.v1': ({ data: { tenantId, serviceAccountId } }) => [
    { table, removeWhere: { tenant_id: tenantId, subject_type: 'service_account', subject_id: serviceAccountId } },
  ],
  'role-request-opened.v1': () => [],
  'role-request-closed.v1': () => [],
  // Rows hold ids alone.
  'user-erased.v1': () => [],
  'tenant-admin-granted.v1': (event) => {
    const { tenantId, userId, source, until, replacesMember } = event.data;
    const member = tenantRole(tenantId, userId, 'member');
    const { subject, target } = member;
    const membership = {
      ...{ target_type: target.type, target_id: target.id, subject_type: subject.type, subject_id: subject.id },
      role: 'member',
    };
    const granted = put(event, tenantId, tenantRole(tenantId, userId, 'admin'), { source, until });
    return replacesMember ? [{ table, removeWhere: membership }, granted] : [granted];
  },
  'tenant-admin-ended.v1': (event) => {
    const { tenantId, userId, sources, becomesMember } = event.data;
    const ended = remove(tenantRole(tenantId, userId, 'admin'), sources);
    if (!becomesMember) return ended;
    const member = { source: 'direct', until: becomesMember.until };
    return [...ended, put(event, tenantId, tenantRole(tenantId, userId, 'member'), member)];
  },
  'service-account-deleted.v1': ({ data: { serviceAccountId } }) => [
    { table, removeWhere: { subject_type: 'service_account', subject_id: serviceAccountId } },
  ],
  'tenant-deletion-started.v1': ({ data: { tenantId } }) => [{ table, removeWhere: { tenant_id: tenantId } }],
  'workspace-deleted.v1': ({ data: { workspaceId } }) => [
    { table, removeWhere: { target_type: 'workspace', target_id: workspaceId } },
  ],
} satisfies EventMap<Read, readonly RowChange[]>;

export const assignmentsModel = readModel({
  name: 'assignments',
  version: 1,
  tables: [
    {
      name: table,
      key: ['target_type', 'target_id', 'subject_type', 'subject_id', 'role', 'source'],
      columns: {
        id: 'text',
        tenant_id: 'text',
        subject_type: 'text',
        subject_id: 'text',
        target_type: 'text',
        target_id: 'text',
        role: 'text',
        source: 'text',
        decided_in: 'text',
        until: 'timestamptz',
        granted_at: 'timestamptz',
        granted_by: 'text',
      },
    },
  ],
  changes,
});
