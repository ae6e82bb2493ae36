import type { AssignmentKey, RoleName, Target } from '../assignments/index.js';
import { Refused } from '../platform/index.js';
import type { Directory } from './directory.js';
import { type Change, contentOf } from './history.js';
import type { ImportContexts } from './import-contexts.js';
import type { RefusedLine } from './import-journal.decider.js';
import { inParallel } from './in-parallel.js';
import { planChange, type Step } from './plan-change.js';
import { Checks, type StepTools, takeStep } from './take-step.js';

export interface ApplyOptions extends StepTools {
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

/** Carries out a change; @returns the lines that were refused */
export async function applyChange(change: Change, options: ApplyOptions): Promise<RefusedLine[]> {
  const { newAdmins, memberships, teamRoles } = planChange(change);
  const refused: RefusedLine[] = [];
  await prepare(change, [...newAdmins, ...memberships, ...teamRoles], options);
  for (const stage of [newAdmins, memberships, teamRoles]) {
    const checks = new Checks(options.runtime);
    await inParallel(stage, options, async (step) => {
      const code = await refusalOf(takeInChange(step, change, options, checks));
      if (code !== undefined) refused.push(...step.lines.map(({ line }) => ({ line, code })));
      options.onLines(step.lines.length);
    });
  }
  return refused.sort((a, b) => a.line - b.line);
}

async function refusalOf(step: Promise<void>): Promise<string | undefined> {
  try {
    await step;
    return undefined;
  } catch (error) {
    if (error instanceof Refused && FOR_GOOD.has(error.code)) return error.code;
    throw error;
  }
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

async function takeInChange(step: Step, { change }: Change, options: ApplyOptions, checks: Checks): Promise<void> {
  const key = keyOf(step, options.directory);
  if (!key) return;
  const content = step.lines.flatMap(contentOf);
  const context = (role: RoleName) => options.contexts.of({ change, at: step.at }, 'step', ...content, role);
  await takeStep({ step, key, context }, options, checks);
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
