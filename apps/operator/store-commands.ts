import { PARTITION } from '../../libs/event-store/index.js';
import type { Command } from 'commander';
import { replay, type ReplayReport } from '../../libs/projections/index.js';
import { checkInvariants, type Report, repairRelationships } from '../../libs/verification/index.js';
import { requireMigrated, UsageError } from '../../libs/wiring/index.js';
import { runMigrations } from './migrate.js';
import { EXIT, print, ProgressBar } from './output.js';
import { type Needs, operatorContext, type OperatorSession, operatorOption } from './session.js';
import { describeStatus, isWell, readStatus } from './status.js';
import { watchedLog } from './watched-log.js';

/** Runs an action on a session; without SpiceDB where one would have to be started for it. */
export type WithSession = (action: (session: OperatorSession) => Promise<number>, needs?: Needs) => Promise<void>;

interface Json {
  json?: boolean;
}
const RELATIONSHIPS = 'relationships';
const WITHOUT_SPICEDB = { spiceDb: false };
const WHATEVER_IS_THERE = { spiceDb: false, tables: false };

/** Commands about tables, relationships and how they stand. */
export function addStoreCommands(program: Command, withSession: WithSession): void {
  program
    .command('migrate')
    .description('create or upgrade the tables and write schema.zed to SpiceDB')
    .option('--json', 'print what was done as JSON')
    .addHelpText('after', MIGRATE)
    .action(({ json }: Json) => withSession((session) => runMigrations(session, json), WHATEVER_IS_THERE));
  program
    .command('status')
    .description('show how far the relay is behind the log, what is undelivered, parked or outdated, and who is active')
    .option('--json', 'print the figures as JSON')
    .addHelpText('after', STATUS)
    .action(({ json }: Json) => withSession((session) => runStatus(session, json), WHATEVER_IS_THERE));
  program
    .command('replay <model>')
    .description('rebuild a read model, or all of them, beside the live rows and put it in their place')
    .option('--batch-size <events>', 'events in one transaction', wholeNumber)
    .option('--full-speed', 'do not rest while the relay is at work')
    .option('--json', 'print the outcome as JSON')
    .addHelpText('after', REPLAY)
    .action((model: string, flags: ReplayFlags) =>
      withSession((session) => runReplay(session, model, flags), WITHOUT_SPICEDB),
    );
  program
    .command('verify')
    .description('recompute everything from the log and compare: audit, read models, wanted relationships, SpiceDB')
    .option('--json', 'print the report as JSON')
    .addHelpText('after', VERIFY)
    .action(({ json }: Json) => withSession((session) => runVerify(session, json)));
  program
    .command('repair')
    .description('make SpiceDB hold exactly the wanted relationships; the repair is an event of its own')
    .addOption(operatorOption())
    .option('--json', 'print what was repaired as JSON')
    .addHelpText('after', REPAIR)
    .action((flags: Json & { operator: string }) => withSession((session) => runRepair(session, flags)));
}

const MIGRATE = `
Run it before a new version starts, as a role that owns the tables. It may run at any time, while everything runs, and
does nothing twice. Definitions that other services keep in the same SpiceDB stay as they are. An embedded SpiceDB that
is not running gets the schema at its next start.

Exits with 1 where a migration fails, or SpiceDB refuses the schema because what it no longer has is still in use.`;

const STATUS = `
The first thing to look at. It answers also while SpiceDB does not, and works on a folder that is not running.

Exits with 0 when a relay is active, SpiceDB answers, and nothing is parked, outdated or to be migrated; else with 1.

  operator status --json | jq .relay.lagEvents`;

const REPLAY = `
For a read model that status shows as outdated, whose rows verify finds wrong, or after parked events were retried.
Queries and the relay go on meanwhile; the rows change places within milliseconds. Stopped, even by kill -9, it goes on
when it is started again. It sends nothing: no relationships, no audit entries. Where rows differed they are as the log
says afterwards, and the report says which.

The name relationships rebuilds who wants which relationship, after parked events were retried or where verify finds
its rows wrong. SpiceDB is not touched by it; that is what repair does afterwards.

While the relay is at work it works an eighth of the time, in small batches, so that calls take effect about as fast as
without it; more where events come so fast that it would not catch up. --full-speed takes no rest. Building indexes and
comparing are never interrupted.

Exits with 1 where an event can't be folded or another replay of the model is under way.

  operator replay all
  operator replay tenants --json`;

const VERIFY = `
Changes nothing, and may run at any time; it takes about a minute for a million events. Start with it when something
looks wrong: each difference names its event.

Exits with 1 on any difference. What is parked is listed and is none.`;

const REPAIR = `
For differences of SpiceDB that verify finds, such as after SpiceDB was restored from an older backup. Also fills a
SpiceDB that was emptied. It may run while the relay does. A second run finds nothing to do.

Exits with 1 where SpiceDB refuses a relationship.`;

function wholeNumber(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1 || number > 100_000) {
    throw new UsageError(`--batch-size is a whole number from 1 to 100000, not ${text}`);
  }
  return number;
}

async function runStatus(session: OperatorSession, json: boolean | undefined): Promise<number> {
  const status = await readStatus(session);
  print(json, status, () => describeStatus(status));
  return isWell(status) ? EXIT.done : EXIT.failed;
}

interface ReplayFlags extends Json {
  batchSize?: number;
  fullSpeed?: boolean;
}

async function runReplay({ runtime }: OperatorSession, model: string, flags: ReplayFlags): Promise<number> {
  const { pool, log, domain } = runtime;
  const { batchSize, fullSpeed, json } = flags;
  const models = domain.readModels.filter(({ name }) => model === 'all' || name === model);
  const relationships = model === RELATIONSHIPS ? domain.relationships : undefined;
  if (models.length === 0 && !relationships) {
    const names = domain.readModels.map(({ name }) => name).join(', ');
    throw new UsageError(`There is no read model ${model}; there are: all, ${names}, and ${RELATIONSHIPS}`);
  }
  const bar = new ProgressBar('replaying');
  try {
    const report = await replay({
      ...{ pool, log, models, relationships, registry: domain.registry, batchSize, fullSpeed },
      onProgress: ({ position, head, eventsPerSecond, resting }) =>
        bar.show(position + 1, head + 1, eventsPerSecond, resting ? 'the live system goes first' : ''),
    });
    bar.stop();
    print(json, report, () => describeReplay(report));
    return EXIT.done;
  } finally {
    bar.stop();
  }
}

function describeReplay({ models, events, seconds, restedSeconds, position, tables }: ReplayReport): string {
  const rate = Math.round(events / Math.max(seconds, 0.001)).toLocaleString('en');
  const lines = tables.map(({ table, rebuiltRows, onlyLive, onlyRebuilt, changed, examples }) => {
    if (onlyLive + onlyRebuilt + changed === 0) return `  ${table}: ${rebuiltRows} rows, as they were`;
    const keys = examples.slice(0, 5).map(({ key, difference }) => `\n    ${difference} ${JSON.stringify(key)}`);
    const counts = `${changed} were wrong, ${onlyRebuilt} were missing, ${onlyLive} were too many`;
    return `  ${table}: ${rebuiltRows} rows; before, ${counts}${keys.join('')}`;
  });
  const what = `${events.toLocaleString('en')} events in ${seconds.toFixed(1)} s (${rate}/s), up to ${position}`;
  const rested = restedSeconds >= 1 ? `, of which it rested ${restedSeconds.toFixed(1)} s for the live system` : '';
  return [`${models.join(', ')}: ${what}${rested}`, ...lines].join('\n');
}

async function runVerify({ runtime }: OperatorSession, json: boolean | undefined): Promise<number> {
  const { log, pool, spicedb, domain, clock } = runtime;
  const bar = new ProgressBar('reading the log');
  const watched = await watchedLog(log, (position, head) => bar.show(position, head));
  try {
    const report = await checkInvariants({ log: watched, pool, spicedb, domain, clock, partition: PARTITION });
    bar.stop();
    print(json, report, () => describeReport(report));
    return report.ok ? EXIT.done : EXIT.failed;
  } finally {
    bar.stop();
  }
}

function describeReport({ position, checks, delivery, parked, ok }: Report): string {
  const lines = checks.flatMap(({ name, promise, ok: fine, count, differences }) => [
    `${fine ? 'ok  ' : 'FAIL'}  ${promise}  ${name}${fine ? '' : `: ${count} differences`}`,
    ...differences.slice(0, 10).map(({ kind, subject, event }) => {
      const by = event ? ` (event ${event.id} ${event.type} at ${event.position})` : '';
      return `            ${kind}: ${subject}${by}`;
    }),
  ]);
  const waiting = [
    ...(delivery.undelivered > 0 ? [`${delivery.undelivered} changes are not delivered yet`] : []),
    ...(parked.count > 0 ? [`${parked.count} parked; see: operator parked list`] : []),
  ];
  const verdict = ok
    ? `All is as the log says, up to ${position}.`
    : [
        `Not all is as the log says at ${position}.`,
        ...new Set(checks.filter(({ ok: fine }) => !fine).map(remedyOf)),
      ].join(' ');
  return [...lines, ...waiting, verdict].join('\n');
}

/** What mends the differences of a check. */
function remedyOf({ name, promise }: Report['checks'][number]): string {
  if (promise === 'P9') return 'Read models: operator replay all.';
  if (promise === 'P4') return 'SpiceDB: operator repair.';
  if (promise === 'P7') return 'Audit trail: nothing rewrites it; restore a backup of PostgreSQL.';
  if (name === 'checkpoint') return 'Checkpoint: operator status says what the relay makes of it.';
  return 'Wanted relationships: operator replay relationships, then operator repair.';
}

async function runRepair({ runtime }: OperatorSession, flags: Json & { operator: string }): Promise<number> {
  const { log, pool, spicedb, domain, clock } = runtime;
  await requireMigrated(runtime);
  const context = operatorContext(runtime, flags.operator);
  const bar = new ProgressBar('reading the log');
  const watched = await watchedLog(log, (position, head) => bar.show(position, head));
  try {
    const report = await repairRelationships({
      ...{ log: watched, pool, spicedb, domain, clock, context, partition: PARTITION },
    });
    bar.stop();
    print(flags.json, report, () =>
      report.position === null
        ? 'Nothing to repair.'
        : `${report.missing} relationships written, ${report.extra} removed; on the record at ${report.position}.` +
          report.refused.map(({ tuple, error }) => `\nrefused by SpiceDB: ${tuple}: ${error}`).join(''),
    );
    return report.refused.length > 0 ? EXIT.failed : EXIT.done;
  } finally {
    bar.stop();
  }
}
