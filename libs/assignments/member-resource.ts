import type { Accepted } from '../edge/index.js';
import type { DeciderRuntime } from '../event-store/index.js';
import type { Holdings, RoleName, Subject, Target } from './assignment.decider.js';
import { type AssignmentKey, loadAssignment, loadStanding } from './assignment-streams.js';

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

export const ROLE_ORDER: readonly RoleName[] = ['admin', 'editor', 'member'];

export function heldRoles(held: Holdings): HeldRole[] {
  return ROLE_ORDER.flatMap((role) => {
    const sources = held[role];
    if (!sources) return [];
    const ends = Object.values(sources).map(({ until }) => until);
    return [{ role, until: latestEnd(ends), sources: Object.keys(sources).sort() }];
  });
}

export function latestEnd(ends: readonly (string | null)[]): string | null {
  return ends.includes(null) ? null : [...ends].sort().at(-1)!;
}

export async function memberResource(
  runtime: DeciderRuntime,
  key: AssignmentKey,
  at: string,
  position: number,
): Promise<Accepted<MemberResource>> {
  const [{ held }, { revision }] = await Promise.all([loadStanding(runtime, key, at), loadAssignment(runtime, key)]);
  const { subject, target } = key;
  return { resource: { subject, target, roles: heldRoles(held) }, revision, position };
}
