import { none, type RelationshipMap, type SourceChange, type Tuple } from '../outbox/index.js';
import type { TenantEvent } from './tenant.decider.js';
import type { TenantNameEvent } from './tenant-name.decider.js';

/** Sources of what tenant admins hold: they end by events of the tenant's stream alone. */
export const ADMIN_SOURCE_PREFIX = 'tenant-admin/';

/** A tenant's admin is also an admin of its root workspace. */
function adminTuples(data: { tenantId: string; rootWorkspaceId: string; userId: string }): Tuple[] {
  const subject = `user:${data.userId}`;
  return [
    { resource: `tenant:${data.tenantId}`, relation: 'admin', subject },
    { resource: `workspace:${data.rootWorkspaceId}`, relation: 'admin', subject },
  ];
}

function memberTuple({ tenantId, userId }: { tenantId: string; userId: string }): Tuple {
  return { resource: `tenant:${tenantId}`, relation: 'member', subject: `user:${userId}` };
}

export const tenantRelationships: RelationshipMap<TenantEvent> = {
  'tenant-created.v1': none,
  'tenant-renamed.v1': none,
  'tenant-requestable-roles-set.v1': none,
  'tenant-admin-granted.v1': ({ data }) => {
    const source = ADMIN_SOURCE_PREFIX + data.source;
    const wanted: SourceChange[] = adminTuples(data).map((want) => ({ want, source, until: data.until }));
    return data.replacesMember ? [...wanted, { endTuple: memberTuple(data) }] : wanted;
  },
  'tenant-admin-ended.v1': ({ data }) => {
    const ended: SourceChange[] = adminTuples(data).flatMap((end) =>
      data.sources.map((source) => ({ end, source: ADMIN_SOURCE_PREFIX + source })),
    );
    if (!data.becomesMember) return ended;
    return [...ended, { want: memberTuple(data), source: 'direct', until: data.becomesMember.until }];
  },
  'tenant-deletion-started.v1': ({ data }) => [
    { closeTenant: data.tenantId },
    { endObject: `tenant:${data.tenantId}` },
  ],
  'tenant-deleted.v1': ({ data }) => [{ endObject: `tenant:${data.tenantId}` }],
};

export const tenantNameRelationships: RelationshipMap<TenantNameEvent> = {
  'tenant-name-claimed.v1': none,
  'tenant-name-released.v1': none,
};
