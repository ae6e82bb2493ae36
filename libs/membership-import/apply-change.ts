import type { AssignmentKey, RoleName, Target } from '../assignments/index.js';
import { Refused } from '../platform/index.js';
import type { Directory } from './directory.js';
import { type Change, contentOf } from './history.js';
import type { ImportContexts } from './import-contexts.js';
import type { RefusedLine } from './import-journal.decider.js';
import { inParallel } from './in-parallel.js';
import { planChange, type Step } from './plan-change.js';
import { Readings, type StepTools, takeStep } from './take-step.js';

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
    const readings = new Readings(options.runtime);
    await inParallel(stage, options, async (step) => {
      const code = await refusalOf(takeInChange(step, change, options, readings));
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

/** Makes what the steps name. A step that only ends something makes nothing in an organisation that is not there. */
async function prepare({ change }: Change, steps: readonly Step[], options: ApplyOptions): Promise<void> {
  const { directory } = options;
  const momentOf = ({ at }: Step) => ({ change, at });
  for (const step of steps) {
    if (step.grants.length > 0) await directory.ensureOrganisation(step.org, momentOf(step));
    else await directory.findOrganisation(step.org);
  }
  const possible = steps.filter(({ org }) => directory.tenantOf(org) !== undefined);
  const organisations = [...new Set(possible.map(({ org }) => org))];
  const persons = new Map(possible.map((step) => [step.person, step]));
  const makeTeams = async (organisation: string): Promise<void> => {
    for (const step of possible.filter(({ org, team }) => org === organisation && team !== '')) {
      if (step.grants.length > 0) await directory.ensureTeam(step.org, step.team, momentOf(step));
      else await directory.findTeam(step.org, step.team);
    }
  };
  const makeUser = (step: Step): Promise<void> => directory.ensureUser(step.person, momentOf(step));
  const work = [
    ...organisations.map((organisation) => () => makeTeams(organisation)),
    ...[...persons.values()].map((step) => () => makeUser(step)),
  ];
  await inParallel(work, options, (make) => make());
}

async function takeInChange(step: Step, { change }: Change, options: ApplyOptions, readings: Readings): Promise<void> {
  const key = keyOf(step, options.directory);
  if (!key) return;
  const content = step.lines.flatMap(contentOf);
  const context = (role: RoleName) => options.contexts.of({ change, at: step.at }, 'step', ...content, role);
  await takeStep({ step, key, context }, options, readings);
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
