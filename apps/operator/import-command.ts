import { CommandBus } from '@nestjs/cqrs';
import type { Command } from 'commander';
import type { Pool } from 'pg';
import { DeciderRuntime } from '../../libs/event-store/index.js';
import {
  awaitStage,
  importMembershipHistory,
  type ImportOptions,
  ImportStopped,
  type ImportSummary,
  linesOfFile,
  MalformedHistory,
  MalformedTeams,
  teamsOfFile,
  UnreadableFile,
} from '../../libs/membership-import/index.js';
import { createLogger, openDestination } from '../../libs/platform/index.js';
import { createRelay } from '../relay/start-relay.js';
import { UsageError } from '../../libs/wiring/index.js';
import { EXIT, explain, INTERRUPTED, print, ProgressBar, tell } from './output.js';
import { lineOf, type OperatorSession } from './session.js';

interface ImportFlags {
  teams?: string;
  issuer: string;
  json?: boolean;
}
type Given = Pick<ImportOptions, 'history' | 'teams' | 'issuer' | 'signal'>;
type Imported = ImportSummary & { delivered: boolean; seconds: number };

const FORMAT = `
The history is a file of JSON lines, plain or gzip, in the order in which things happened:

  {"change":1,"at":"2021-03-01T10:00:00-08:00","op":"grant","org":"acme","team":"","role":"admin","person":"p1"}

  change   a whole number; lines with the same one happened together, and stand together
  at       ISO 8601 with its zone; the events get this time
  op       grant or revoke
  org      becomes a tenant; one with this name is used
  team     becomes a workspace when it is first named; empty for the organisation itself
  role     admin or member of an organisation, maintainer (workspace admin) or member of a team
  person   becomes a user with this external identity, of the issuer given

The teams file is a JSON array of {"org", "team", "parent"}: a team becomes a workspace below its parent's, one
without a parent, or that the file does not name, below the tenant's root workspace.

Within a change a revoke and a grant of another role on the same target are one change of role. Who leaves an
organisation loses what they hold in its teams. A revoke of what is not held does nothing. An import that was stopped
goes on where it ended when it is started again; a history that is imported already changes nothing.

Exits with 1 where lines were refused, such as the removal of an organisation's last admin; all others are carried out.
Exits with 1, too, while another import is under way: there is one at a time. With a malformed line nothing is carried out.`;

export function addImportCommand(program: Command, open: () => Promise<OperatorSession>): void {
  program
    .command('import <history>')
    .description('take a membership history through the rules, as the actor importer')
    .option('--teams <file>', 'which team is nested in which')
    .option('--issuer <name>', 'of the external identities that persons get', lineOf('--issuer'), 'membership-history')
    .option('--json', 'print a summary as JSON')
    .addHelpText('after', FORMAT)
    .action(async (history: string, flags: ImportFlags) => {
      process.exitCode = await run(history, flags, open);
    });
}

async function run(history: string, flags: ImportFlags, open: () => Promise<OperatorSession>): Promise<number> {
  const stopping = new AbortController();
  const stop = (): void => stopping.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  let session: OperatorSession | undefined;
  try {
    const teams = flags.teams === undefined ? [] : await teamsOfFile(flags.teams);
    const opened = (session = await open());
    const given = { history: () => linesOfFile(history), teams, issuer: flags.issuer, signal: stopping.signal };
    const withBars = flags.json !== true && process.stderr.isTTY;
    const imported = await aloneOn(opened.runtime.pool, () => importInto(opened, given, withBars));
    print(flags.json, imported, () => describe(imported));
    return imported.refused.length > 0 || !imported.delivered ? EXIT.failed : EXIT.done;
  } catch (error) {
    if (!stopping.signal.aborted) return explain(isOfFiles(error) ? new UsageError(error.message) : error);
    return tell(INTERRUPTED, 'Stopped. The same command goes on from here.');
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    await session?.close();
  }
}

/** Of two imports at once both would count what only one of them does; the claim ends with the session. */
async function aloneOn<T>(pool: Pool, work: () => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    const { rows } = await client.query<{ claimed: boolean }>(
      `select pg_try_advisory_lock(hashtextextended('countersign import', 0)) as claimed`,
    );
    if (!rows[0]!.claimed) throw new ImportStopped('another import is under way; wait for it to end');
    return await work();
  } finally {
    client.release(true);
  }
}

function isOfFiles(error: unknown): error is Error {
  return [MalformedHistory, MalformedTeams, UnreadableFile].some((kind) => error instanceof kind);
}

async function importInto({ runtime, context }: OperatorSession, given: Given, withBars: boolean): Promise<Imported> {
  const { log, progress, clock, config } = runtime;
  const logger = createLogger({ level: 'error', name: 'operator', destination: openDestination(2) });
  // Stands by where another relay is active.
  const relay = createRelay(runtime, context, { logger });
  relay.start();
  const importing = new ProgressBar('importing ', withBars);
  const delivering = new ProgressBar('delivering', withBars);
  try {
    const started = performance.now();
    const summary = await importMembershipHistory({
      ...given,
      ...{ log, progress, clock, rootWorkspaceName: config.defaultWorkspaceName },
      bus: context.get(CommandBus),
      runtime: context.get(DeciderRuntime),
      onProgress: ({ lines, of }) => importing.show(lines, of),
    });
    const seconds = (performance.now() - started) / 1_000;
    importing.stop();
    const head = await log.head();
    const delivered = await awaitStage(progress, { stage: 'delivered', position: head }, (position) =>
      delivering.show(position, head),
    );
    return { ...summary, delivered, seconds };
  } finally {
    importing.stop();
    delivering.stop();
    await relay.stop();
  }
}

function describe(imported: Imported): string {
  const { lines, changes, grants, revokes, unchanged, users, tenants, workspaces, refused, seconds } = imported;
  const n = (count: number): string => count.toLocaleString('en');
  const rate = grants + revokes > 0 ? `, ${n(Math.round((grants + revokes) / seconds))} lines/s` : '';
  return [
    `${n(lines)} lines of ${n(changes)} changes in ${seconds.toFixed(1)} s${rate}`,
    `  ${n(grants)} grants and ${n(revokes)} revokes carried out; ${n(unchanged)} lines were imported before`,
    `  ${n(users)} users, ${n(tenants)} tenants and ${n(workspaces)} workspaces made`,
    ...refused.map(({ line, code }) => `  line ${line} was refused: ${code}`),
    imported.delivered
      ? '  everything is live in SpiceDB'
      : '  not everything is live in SpiceDB: it does not answer, or the relay has stopped; see: operator status',
  ].join('\n');
}
