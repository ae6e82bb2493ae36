import { heldBy, none, type RelationshipMap, type SourceChange, type Tuple } from '../outbox/index.js';
import { ADMIN_SOURCE_PREFIX } from '../tenants/index.js';
import { type AssignmentEvent, isBuiltIn, type RoleName, type Subject, type Target } from './assignment.decider.js';

interface Held {
  subject: Subject;
  target: Target;
}
interface Wanted {
  tuple: Tuple;
  source: string;
  /** Whether it ends with the grant; else it is gone when the grant is. */
  timed: boolean;
}

/**
 * A built-in role is one relationship. A role of the tenant is one with its binding on the target, and the two that make
 * the binding what it is: those have the holder in their source, so that they go with whoever holds it last.
 */
function wantedBy({ subject, target }: Held, role: RoleName, source: string): Wanted[] {
  const [who, where] = [`${subject.type}:${subject.id}`, `${target.type}:${target.id}`];
  if (isBuiltIn(role)) return [{ tuple: { resource: where, relation: role, subject: who }, source, timed: true }];
  const binding = `role_binding:${target.id}/${role}`;
  const structure = { source: heldBy(who, source), timed: false };
  return [
    { tuple: { resource: binding, relation: 'subject', subject: who }, source, timed: true },
    { tuple: { resource: binding, relation: 'role', subject: `role:${role}` }, ...structure },
    { tuple: { resource: where, relation: 'binding', subject: binding }, ...structure },
  ];
}

function give(held: Held, role: RoleName, grant: { source: string; until: string | null }): SourceChange[] {
  return wantedBy(held, role, grant.source).map(({ tuple: want, source, timed }) => {
    return { want, source, until: timed ? grant.until : null };
  });
}

function take(held: Held, role: RoleName, sources: readonly string[]): SourceChange[] {
  const wanted = sources.flatMap((source) => wantedBy(held, role, source));
  return wanted.map(({ tuple: end, source }) => ({ end, source }));
}

export const assignmentRelationships: RelationshipMap<AssignmentEvent> = {
  'role-granted.v1': ({ data }) => [
    ...data.replaced.flatMap(({ role, sources }) => take(data, role, sources)),
    ...give(data, data.role, data),
  ],
  'role-ended.v1': ({ data }) => take(data, data.role, data.sources),
  'tenant-member-removed.v1': ({ data: { tenantId, userId } }) => [
    { endSubject: `user:${userId}`, tenantId, exceptSourcePrefix: ADMIN_SOURCE_PREFIX },
  ],
  'tenant-service-account-removed.v1': ({ data: { tenantId, serviceAccountId } }) => [
    { endSubject: `service_account:${serviceAccountId}`, tenantId, exceptSourcePrefix: ADMIN_SOURCE_PREFIX },
  ],
  'role-request-opened.v1': none,
  'role-request-closed.v1': none,
};
