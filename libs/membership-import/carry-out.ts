import type { AssignmentKey, RoleName, Target } from '../assignments/index.js';
import { Refused } from '../platform/index.js';
import type { Directory } from './directory.js';
import { type Change, contentOf } from './history.js';
import type { ImportContexts } from './import-contexts.js';
import type { RefusedLine } from './import-journal.decider.js';
import { inParallel } from './in-parallel.js';
import { type Batch, membershipKey, planChanges, type Step } from './plan-changes.js';
import { Readings, type StepTools, takeStep } from './take-step.js';

export interface CarryOutOptions extends Omit<StepTools, 'readings'> {
  contexts: ImportContexts;
  directory: Directory;
  signal?: AbortSignal;
  /** Told of every step how many lines it was. */
  onLines: (lines: number) => void;
}

/** Persons at once: what is appended for them meanwhile is written together. */
const AT_ONCE = 64;
/** What the state of things has to say no to; everything else stops the import. */
const FOR_GOOD = new Set(['last-admin', 'subject-not-found', 'not-found']);

/** Carries out changes of which no two touch the same person of an organisation. @returns the lines that were refused */
export async function carryOut(changes: readonly Change[], options: CarryOutOptions): Promise<RefusedLine[]> {
  const batches = planChanges(changes);
  const refused: RefusedLine[] = [];
  await makeNamed(
    batches.flatMap(({ steps }) => steps),
    options,
  );
  for (const batch of batches) refused.push(...(await carryOutBatch(batch, options)));
  return refused.sort((a, b) => a.line - b.line);
}

/** The steps of one person in an organisation one after the other, those of others meanwhile. */
async function carryOutBatch({ steps }: Batch, options: CarryOutOptions): Promise<RefusedLine[]> {
  const { signal, onLines } = options;
  const tools = { ...options, readings: new Readings(options.runtime) };
  const refused: RefusedLine[] = [];
  await inParallel(byMembership(steps), { atOnce: AT_ONCE, signal }, async (ofPerson) => {
    for (const step of ofPerson) {
      const code = await refusalOf(step, tools);
      if (code !== undefined) refused.push(...step.lines.map(({ line }) => ({ line, code })));
      onLines(step.lines.length);
    }
  });
  return refused;
}

function byMembership(steps: readonly Step[]): Step[][] {
  const groups = new Map<string, Step[]>();
  for (const step of steps) {
    const key = membershipKey(step);
    const group = groups.get(key);
    if (group) group.push(step);
    else groups.set(key, [step]);
  }
  return [...groups.values()];
}

async function refusalOf(step: Step, tools: CarryOutOptions & StepTools): Promise<string | undefined> {
  const key = keyOf(step, tools.directory);
  if (!key) return undefined;
  const content = step.lines.flatMap(contentOf);
  const context = (role: RoleName) => tools.contexts.of(step, 'step', ...content, role);
  try {
    await takeStep({ step, key, context }, tools);
    return undefined;
  } catch (error) {
    if (error instanceof Refused && FOR_GOOD.has(error.code)) return error.code;
    throw error;
  }
}

/** Makes what the steps name. A step that only ends something makes nothing in an organisation that is not there. */
async function makeNamed(steps: readonly Step[], { directory, signal }: CarryOutOptions): Promise<void> {
  for (const step of steps) {
    if (step.grants.length > 0) await directory.ensureOrganisation(step.org, step);
    else await directory.findOrganisation(step.org);
  }
  const possible = steps.filter(({ org }) => directory.tenantOf(org) !== undefined);
  const makeTeams = async (organisation: string): Promise<void> => {
    for (const step of possible.filter(({ org, team }) => org === organisation && team !== '')) {
      if (step.grants.length > 0) await directory.ensureTeam(step.org, step.team, step);
      else await directory.findTeam(step.org, step.team);
    }
  };
  const organisations = new Set(possible.map(({ org }) => org));
  const firstOf = new Map(possible.toReversed().map((step) => [step.person, step]));
  const work = [
    ...[...organisations].map((organisation) => () => makeTeams(organisation)),
    ...[...firstOf.values()].map((step) => () => directory.ensureUser(step.person, step)),
  ];
  await inParallel(work, { atOnce: AT_ONCE, signal }, (make) => make());
}

function keyOf({ org, team, person }: Step, directory: Directory): AssignmentKey | undefined {
  const tenantId = directory.tenantOf(org);
  const id = team === '' ? tenantId : directory.workspaceOf(org, team);
  const userId = directory.userOf(person);
  if (tenantId === undefined || id === undefined || userId === undefined) return undefined;
  const target: Target = { type: team === '' ? 'tenant' : 'workspace', id };
  return { tenantId, subject: { type: 'user', id: userId }, target };
}
