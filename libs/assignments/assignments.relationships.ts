import { none, type RelationshipMap, type Tuple } from '../outbox/index.js';
import { ADMIN_SOURCE_PREFIX } from '../tenants/index.js';
import type { AssignmentEvent, RoleName, Subject, Target } from './assignment.decider.js';

function tuple({ subject, target }: { subject: Subject; target: Target }, role: RoleName): Tuple {
  return { resource: `${target.type}:${target.id}`, relation: role, subject: `${subject.type}:${subject.id}` };
}

export const assignmentRelationships: RelationshipMap<AssignmentEvent> = {
  'role-granted.v1': ({ data }) => [
    ...data.replaced.flatMap(({ role, sources }) => sources.map((source) => ({ end: tuple(data, role), source }))),
    { want: tuple(data, data.role), source: data.source, until: data.until },
  ],
  'role-ended.v1': ({ data }) => data.sources.map((source) => ({ end: tuple(data, data.role), source })),
  'tenant-member-removed.v1': ({ data: { tenantId, userId } }) => [
    { endSubject: `user:${userId}`, tenantId, exceptSourcePrefix: ADMIN_SOURCE_PREFIX },
  ],
  'role-request-opened.v1': none,
  'role-request-closed.v1': none,
};
