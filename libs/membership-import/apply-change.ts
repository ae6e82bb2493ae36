import type { CommandBus } from '@nestjs/cqrs';
import {
  type AssignmentKey,
  EndRole,
  GrantRole,
  loadStanding,
  RemoveTenantMember,
  type RoleName,
  rolesHeld,
  type Target,
} from '../assignments/index.js';
import type { CommandContext, DeciderRuntime } from '../event-store/index.js';
import { Refused } from '../platform/index.js';
import type { Directory } from './directory.js';
import { type Change, contentOf } from './history.js';
import type { ImportContexts } from './import-contexts.js';
import type { RefusedLine } from './import-journal.decider.js';
import { inParallel } from './in-parallel.js';
import { planChange, type Step } from './plan-change.js';

export interface ApplyOptions {
  bus: CommandBus;
  runtime: DeciderRuntime;
  contexts: ImportContexts;
  directory: Directory;
  /** Steps at once: what they append together is written together. */
  atOnce: number;
  signal?: AbortSignal;
  /** Told of every step how many lines it was. */
  onLines: (lines: number) => void;
}

/** What the state of things has to say no to; everything else stops the import. */
const FOR_GOOD = new Set(['last-admin', 'subject-not-found', 'not-found']);

/** Carries out a change; @returns the lines that were refused. */
export async function applyChange(change: Change, options: ApplyOptions): Promise<RefusedLine[]> {
  const { newAdmins, memberships, teamRoles } = planChange(change);
  const refused: RefusedLine[] = [];
  await prepare(change, [...newAdmins, ...memberships, ...teamRoles], options);
  for (const stage of [newAdmins, memberships, teamRoles]) {
    await inParallel(stage, options, async (step) => {
      try {
        await take(step, change, options);
      } catch (error) {
        if (!(error instanceof Refused) || !FOR_GOOD.has(error.code)) throw error;
        refused.push(...step.lines.map(({ line }) => ({ line, code: error.code })));
      }
      options.onLines(step.lines.length);
    });
  }
  return refused.sort((a, b) => a.line - b.line);
}

/** Makes what the steps name. A step that only ends something makes no tenant and no workspace. */
async function prepare({ change }: Change, steps: readonly Step[], options: ApplyOptions): Promise<void> {
  const { directory } = options;
  for (const { org, team, at, grants } of steps) {
    const moment = { change, at };
    if (grants.length > 0) await directory.ensureOrganisation(org, moment);
    else await directory.findOrganisation(org);
    if (team === '') continue;
    if (grants.length > 0) await directory.ensureTeam(org, team, moment);
    else await directory.findTeam(org, team);
  }
  const possible = steps.filter((step) => targetOf(step, directory) !== undefined);
  const persons = new Map(possible.map((step) => [step.person, step]));
  await inParallel([...persons.values()], options, ({ person, at }) => directory.ensureUser(person, { change, at }));
}

async function take(
  step: Step,
  { change }: Change,
  { bus, runtime, contexts, directory }: ApplyOptions,
): Promise<void> {
  const key = keyOf(step, directory);
  if (!key) return;
  const content = step.lines.flatMap(contentOf);
  const context = (role: RoleName): CommandContext => contexts.of({ change, at: step.at }, 'step', ...content, role);
  for (const [index, role] of step.grants.entries()) {
    const replaces = index === 0 && step.ends.length > 0;
    await bus.execute(new GrantRole(context(role), { ...key, role, source: 'direct', until: null, replaces }));
  }
  if (step.grants.length > 0) return;
  for (const role of step.ends) {
    const leaves = step.team === '' && (await holdsNothingBut(role, { runtime, key, at: step.at }));
    if (leaves) await leave(context(role), key, bus);
    else await bus.execute(new EndRole(context(role), { ...key, role, reason: 'removed' }));
  }
}

function keyOf(step: Step, directory: Directory): AssignmentKey | undefined {
  const tenantId = directory.tenantOf(step.org);
  const target = targetOf(step, directory);
  const userId = directory.userOf(step.person);
  if (tenantId === undefined || target === undefined || userId === undefined) return undefined;
  return { tenantId, subject: { type: 'user', id: userId }, target };
}

function targetOf({ org, team }: Step, directory: Directory): Target | undefined {
  const id = team === '' ? directory.tenantOf(org) : directory.workspaceOf(org, team);
  return id === undefined ? undefined : { type: team === '' ? 'tenant' : 'workspace', id };
}

/** Also true of who holds nothing: an earlier try may have got as far as that. */
async function holdsNothingBut(
  role: RoleName,
  { runtime, key, at }: { runtime: DeciderRuntime; key: AssignmentKey; at: string },
): Promise<boolean> {
  const { held } = await loadStanding(runtime, key, at);
  return rolesHeld(held).every((name) => name === role);
}

async function leave(context: CommandContext, { tenantId, subject }: AssignmentKey, bus: CommandBus): Promise<void> {
  try {
    const input = { tenantId, userId: subject.id, reason: 'member-removed' as const };
    await bus.execute(new RemoveTenantMember(context, input));
  } catch (error) {
    if (!(error instanceof Refused) || error.code !== 'not-found') throw error;
  }
}
