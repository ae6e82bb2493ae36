import { createHash } from 'node:crypto';
import type { Clock } from '../platform/index.js';
import { carryOut } from './carry-out.js';
import { awaitStage } from './await-stage.js';
import { Directory, type DirectoryOptions, ImportStopped } from './directory.js';
import { type Change, readChanges } from './history.js';
import { ImportContexts } from './import-contexts.js';
import type { RefusedLine } from './import-journal.decider.js';
import { Journal } from './journal.js';
import { type Mark, scanHistory } from './scan-history.js';
import { Readings } from './take-step.js';
import { type Team, TeamTree } from './teams.js';
import { Window } from './window.js';

export interface ImportOptions extends Omit<DirectoryOptions, 'contexts' | 'teams'> {
  clock: Clock;
  /** Opens the history, in JSON lines; it is read twice. */
  history: () => AsyncIterable<string>;
  teams: readonly Team[];
  onProgress?: (done: ImportProgress) => void;
  /** Stops the import after what is under way. */
  signal?: AbortSignal;
}

export interface ImportProgress {
  lines: number;
  of: number;
}

export interface ImportSummary {
  changes: number;
  lines: number;
  /** Lines carried out by this import. */
  grants: number;
  revokes: number;
  /** Made by this import. */
  users: number;
  tenants: number;
  workspaces: number;
  /** Lines that an earlier import has carried out. */
  unchanged: number;
  /** Lines that were refused, now or by an earlier import of the same history. */
  refused: RefusedLine[];
}

/**
 * Takes a membership history through the deciders, change after change.
 *
 * @throws MalformedHistory, MalformedTeams before anything is changed; ImportStopped; the reason of the signal
 */
export async function importMembershipHistory(options: ImportOptions): Promise<ImportSummary> {
  const { history, issuer, signal, onProgress } = options;
  const contexts = new ImportContexts(issuer);
  const teams = new TeamTree(options.teams);
  const changes = (): AsyncGenerator<Change> => readChanges(history(), seedOf(issuer));
  const marks = await scanHistory(changes());
  const total = marks.at(-1)?.lines ?? 0;
  const journal = await Journal.open(marks, { ...options, contexts });
  const summary = emptySummary(marks, journal);
  if (journal.reached === marks.length) return summary;
  const since = await caughtUp(options);
  const directory = new Directory({ ...options, contexts, teams }, since);
  const checks = new Readings(options.runtime);
  let lines = summary.unchanged;
  const onLines = (count: number): void => onProgress?.({ lines: (lines += count), of: total });
  onLines(0);
  let done = journal.reached;
  for await (const window of windowsOf(changes(), journal.reached)) {
    signal?.throwIfAborted();
    const refused = await carryOut(window, { ...options, contexts, directory, checks, onLines });
    done += window.length;
    await journal.record(marks[done - 1]!, refused);
    for (const change of window) count(summary, change, refused);
    summary.refused.push(...refused);
  }
  return { ...summary, ...directory.created };
}

/** Tenants are found by their rows: one that is not there yet would make lines about it do nothing. */
async function caughtUp({ log, progress }: Pick<ImportOptions, 'log' | 'progress'>): Promise<number> {
  const head = await log.head();
  if (await awaitStage(progress, { stage: 'projected', position: head })) return head;
  throw new ImportStopped('the read models are behind the event log: start the relay and import again');
}

async function* windowsOf(changes: AsyncIterable<Change>, skipped: number): AsyncGenerator<readonly Change[]> {
  let window = new Window();
  let index = 0;
  for await (const change of changes) {
    if (index++ < skipped || window.take(change)) continue;
    yield window.changes;
    window = new Window();
    window.take(change);
  }
  if (window.changes.length > 0) yield window.changes;
}

function seedOf(issuer: string): string {
  return createHash('sha256')
    .update(JSON.stringify(['membership-import', issuer]))
    .digest('hex');
}

function emptySummary(marks: readonly Mark[], { reached, refused }: Journal): ImportSummary {
  const lines = marks.at(-1)?.lines ?? 0;
  const unchanged = reached === 0 ? 0 : marks[reached - 1]!.lines;
  const made = { users: 0, tenants: 0, workspaces: 0 };
  return { changes: marks.length, lines, grants: 0, revokes: 0, ...made, unchanged, refused: [...refused] };
}

function count(summary: ImportSummary, change: Change, refused: readonly RefusedLine[]): void {
  const no = new Set(refused.map(({ line }) => line));
  for (const { line, op } of change.lines) {
    if (no.has(line)) continue;
    if (op === 'grant') summary.grants++;
    else summary.revokes++;
  }
}
