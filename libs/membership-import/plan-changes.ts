import type { RoleName } from '../assignments/index.js';
import type { Change, HistoryLine } from './history.js';

/** All that one change does to what one person holds on one target. */
export interface Step {
  change: number;
  /** ISO 8601 UTC. */
  at: string;
  org: string;
  /** Empty for the organisation itself. */
  team: string;
  person: string;
  grants: readonly RoleName[];
  /** Roles that end; beside grants they make it a change of role. */
  ends: readonly RoleName[];
  lines: readonly HistoryLine[];
}

/**
 * Steps that do not depend on each other. Simple ones are decided by the stream of one assignment alone, so that many
 * of them are appended at once; the others take several streams.
 */
export interface Batch {
  simple: boolean;
  steps: Step[];
}

/** What changes ask for, in the order in which it is carried out. No person of an organisation is in two of them. */
export function planChanges(changes: readonly Change[]): Batch[] {
  const batches: Batch[] = [];
  for (const stage of changes.flatMap(stagesOf)) {
    const last = batches.at(-1);
    if (stage.simple && last?.simple) last.steps.push(...stage.steps);
    else if (stage.steps.length > 0) batches.push(stage);
  }
  return batches;
}

/** New admins come first, so that old ones can go; who is removed comes after their teams, and before teams they join. */
function stagesOf(change: Change): Batch[] {
  const steps = stepsOf(change);
  const isNewAdmin = ({ team, grants }: Step): boolean => team === '' && grants.includes('admin');
  const memberships = steps.filter((step) => step.team === '' && !isNewAdmin(step));
  const joining = new Set(steps.filter(({ team, grants }) => team !== '' && grants.length > 0).map(membershipKey));
  const isSimple = (step: Step): boolean =>
    step.ends.length === 0 ||
    (step.grants.length === 0 && !step.ends.includes('admin') && !joining.has(membershipKey(step)));
  return [
    { simple: false, steps: steps.filter(isNewAdmin) },
    { simple: true, steps: steps.filter(({ team, grants }) => team !== '' && grants.length === 0) },
    { simple: true, steps: memberships.filter(isSimple) },
    { simple: false, steps: memberships.filter((step) => !isSimple(step)) },
    { simple: true, steps: steps.filter(({ team, grants }) => team !== '' && grants.length > 0) },
  ];
}

function stepsOf({ change, lines }: Change): Step[] {
  const groups = new Map<string, HistoryLine[]>();
  for (const line of lines) {
    const key = JSON.stringify([line.org, line.team, line.person]);
    const group = groups.get(key);
    if (group) group.push(line);
    else groups.set(key, [line]);
  }
  return [...groups.values()].map((group) => stepOf(change, group));
}

/** The last word about a role counts. */
function stepOf(change: number, lines: readonly HistoryLine[]): Step {
  const last = new Map<RoleName, HistoryLine['op']>();
  for (const { role, op } of lines) last.set(role === 'maintainer' ? 'admin' : role, op);
  const rolesWith = (op: HistoryLine['op']): RoleName[] =>
    [...last].filter(([, lastOp]) => lastOp === op).map(([role]) => role);
  const { org, team, person, at } = lines.at(-1)!;
  return { change, at, org, team, person, grants: rolesWith('grant'), ends: rolesWith('revoke'), lines };
}

export function membershipKey({ org, person }: Pick<Step, 'org' | 'person'>): string {
  return JSON.stringify([org, person]);
}
