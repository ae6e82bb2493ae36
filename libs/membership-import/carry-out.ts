import type { AssignmentKey, RoleName, Target } from '../assignments/index.js';
import { Refused } from '../platform/index.js';
import type { Directory } from './directory.js';
import { type Change, contentOf } from './history.js';
import type { ImportContexts } from './import-contexts.js';
import type { RefusedLine } from './import-journal.decider.js';
import { inParallel } from './in-parallel.js';
import { type Batch, planChanges, type Step } from './plan-changes.js';
import { makeReady, Readings, type StepTools, type Take } from './take-step.js';

export interface CarryOutOptions extends StepTools {
  contexts: ImportContexts;
  directory: Directory;
  signal?: AbortSignal;
  /** Told of every step how many lines it was. */
  onLines: (lines: number) => void;
}

/** Steps that read or wait at once. */
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

async function carryOutBatch({ simple, steps }: Batch, options: CarryOutOptions): Promise<RefusedLine[]> {
  const { signal, onLines } = options;
  const readings = new Readings(options.runtime);
  const refused: RefusedLine[] = [];
  const note = async <T>(step: Step, work: Promise<T>): Promise<T | undefined> => {
    try {
      return await work;
    } catch (error) {
      if (!(error instanceof Refused) || !FOR_GOOD.has(error.code)) throw error;
      refused.push(...step.lines.map(({ line }) => ({ line, code: error.code })));
      return undefined;
    }
  };
  const ready = new Map<Step, Take | undefined>();
  const prepare = async (step: Step): Promise<void> => {
    ready.set(step, await note(step, stepMadeReady(step, options, readings)));
  };
  const take = async (step: Step): Promise<void> => {
    const taken = ready.get(step)?.();
    if (taken) await note(step, taken);
    onLines(step.lines.length);
  };
  if (simple) {
    await inParallel(steps, { atOnce: AT_ONCE, signal }, prepare);
    await inParallel(steps, { atOnce: steps.length, signal }, take);
  } else {
    await inParallel(steps, { atOnce: AT_ONCE, signal }, (step) => prepare(step).then(() => take(step)));
  }
  return refused;
}

async function stepMadeReady(step: Step, options: CarryOutOptions, readings: Readings): Promise<Take | undefined> {
  const key = keyOf(step, options.directory);
  if (!key) return undefined;
  const content = step.lines.flatMap(contentOf);
  const context = (role: RoleName) => options.contexts.of(step, 'step', ...content, role);
  return makeReady({ step, key, context }, options, readings);
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
