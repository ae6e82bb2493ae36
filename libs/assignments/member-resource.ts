import type { Accepted } from '../edge/index.js';
import type { DeciderRuntime } from '../event-store/index.js';
import { Refused } from '../platform/index.js';
import { tenant, tenantStream } from '../tenants/index.js';
import {
  assignment,
  type Holdings,
  isBuiltIn,
  type RoleName,
  type Subject,
  type Target,
} from './assignment.decider.js';
import { type AssignmentKey, assignmentStream, membershipOf, standingOf } from './assignment-streams.js';

export interface HeldRole {
  role: RoleName;
  /** The latest end of its sources; null for none. */
  until: string | null;
  sources: string[];
}
/** Somebody with the roles they hold on a target. */
export interface MemberResource {
  subject: Subject;
  target: Target;
  roles: HeldRole[];
}

/** The built-in roles first, then those of the tenant. */
export function inOrder(roles: Iterable<RoleName>): RoleName[] {
  const rank = (role: RoleName): string => (isBuiltIn(role) ? ` ${role}` : role);
  return [...new Set(roles)].sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
}

function heldRoles(held: Holdings): HeldRole[] {
  return inOrder(Object.keys(held)).map((role) => {
    const sources = held[role]!;
    const ends = Object.values(sources).map(({ until }) => until);
    return { role, until: latestEnd(ends), sources: Object.keys(sources).sort() };
  });
}

export function latestEnd(ends: readonly (string | null)[]): string | null {
  return ends.includes(null) ? null : [...ends].sort().at(-1)!;
}

/** What a subject held on a target at a position of the log: the same whenever the answer is rebuilt. */
export async function memberResource(
  runtime: DeciderRuntime,
  key: AssignmentKey,
  { at, position }: { at: string; position: number },
): Promise<Accepted<MemberResource>> {
  const { tenantId, subject, target } = key;
  const membership = assignmentStream(membershipOf(tenantId, subject));
  const [tenantThen, membershipThen, state] = await Promise.all([
    runtime.at(tenantStream(tenantId), tenant, position),
    runtime.at(membership, assignment, position),
    runtime.at(assignmentStream(key), assignment, position),
  ]);
  if (tenantThen.state.status === 'absent') throw new Refused('not-found');
  const { removedAt } = membershipThen.state;
  const { held, revisions } = standingOf(key, { tenant: tenantThen.state, removedAt, state: state.state, at });
  const revision = revisions.assignment + revisions.admin;
  return { resource: { subject, target, roles: heldRoles(held) }, revision, position };
}
