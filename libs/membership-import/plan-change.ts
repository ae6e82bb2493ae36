import type { RoleName } from '../assignments/index.js';
import type { Change, HistoryLine } from './history.js';

/** All that one change does to what one person holds on one target, as one command. */
export interface Step {
  org: string;
  /** Empty for the organisation itself. */
  team: string;
  person: string;
  /** ISO 8601 UTC. */
  at: string;
  grants: readonly RoleName[];
  /** Roles that end; beside grants they make it a change of role. */
  ends: readonly RoleName[];
  lines: readonly HistoryLine[];
}

/**
 * Steps in the order in which they are taken; those of one stage do not depend on each other. New admins come first, so
 * that the old ones can go; who leaves an organisation has left its teams when those come.
 */
export interface Plan {
  newAdmins: readonly Step[];
  memberships: readonly Step[];
  teamRoles: readonly Step[];
}

export function planChange({ lines }: Pick<Change, 'lines'>): Plan {
  const groups = new Map<string, HistoryLine[]>();
  for (const line of lines) {
    const key = JSON.stringify([line.org, line.team, line.person]);
    const group = groups.get(key);
    if (group) group.push(line);
    else groups.set(key, [line]);
  }
  const steps = [...groups.values()].map(stepOf);
  const isNewAdmin = (step: Step): boolean => step.team === '' && step.grants.includes('admin');
  return {
    newAdmins: steps.filter(isNewAdmin),
    memberships: steps.filter((step) => step.team === '' && !isNewAdmin(step)),
    teamRoles: steps.filter(({ team }) => team !== ''),
  };
}

function stepOf(lines: readonly HistoryLine[]): Step {
  const last = new Map<RoleName, HistoryLine['op']>();
  for (const { role, op } of lines) last.set(role === 'maintainer' ? 'admin' : role, op);
  const rolesWith = (op: HistoryLine['op']): RoleName[] =>
    [...last].filter(([, lastOp]) => lastOp === op).map(([role]) => role);
  const { org, team, person, at } = lines.at(-1)!;
  return { org, team, person, at, grants: rolesWith('grant'), ends: rolesWith('revoke'), lines };
}
