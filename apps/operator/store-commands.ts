import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { projectPath } from '../../libs/embedded/index.js';
import { migrate } from '../../libs/platform/index.js';
import { replay, ReplayRefused } from '../../libs/projections/index.js';
import { checkInvariants, definitionsOf, type Report, repairRelationships } from '../../libs/verification/index.js';
import { EXIT, print, ProgressBar } from './output.js';
import { operatorContext, type OperatorSession } from './session.js';
import { describeStatus, readStatus } from './status.js';

export type WithSession = (action: (session: OperatorSession) => Promise<number>) => Promise<void>;

interface Json {
  json?: boolean;
}
const PARTITION = 0;

/** Commands about tables, relationships and how they stand. */
export function addStoreCommands(program: Command, withSession: WithSession): void {
  program
    .command('migrate')
    .description('create or upgrade the tables and write schema.zed to SpiceDB')
    .option('--json', 'print what was done as JSON')
    .addHelpText('after', '\nRun it before a new version starts. It may run at any time, and does nothing twice.')
    .action(({ json }: Json) => withSession((session) => runMigrations(session, json)));
  program
    .command('status')
    .description('show how far the relay is behind the log, what is undelivered, parked, and who is active')
    .option('--json', 'print the figures as JSON')
    .addHelpText('after', '\nExits with 0 when nothing is parked and a relay is active, else with 1.')
    .action(({ json }: Json) =>
      withSession(async ({ runtime }) => {
        const status = await readStatus(runtime);
        print(json, status, () => describeStatus(status));
        return status.parked === 0 && status.relay.lease ? EXIT.done : EXIT.failed;
      }),
    );
  program
    .command('replay <model>')
    .description('rebuild a read model, or all of them, beside the live rows and put it in their place')
    .option('--json', 'print the outcome as JSON')
    .addHelpText(
      'after',
      '\nQueries and the relay go on meanwhile. Stopped, it goes on when it is started again. It sends nothing.',
    )
    .action((model: string, { json }: Json) => withSession((session) => runReplay(session, model, json)));
  program
    .command('verify')
    .description('recompute everything from the log and compare: audit, read models, wanted relationships, SpiceDB')
    .option('--json', 'print the report as JSON')
    .addHelpText('after', '\nChanges nothing. Exits with 1 on any difference.')
    .action(({ json }: Json) => withSession((session) => runVerify(session, json)));
  program
    .command('repair')
    .description('make SpiceDB hold exactly the wanted relationships; the repair is an event of its own')
    .option('--operator <name>', 'who does it', process.env['USER'] ?? 'operator')
    .option('--json', 'print what was repaired as JSON')
    .addHelpText('after', '\nAlso fills a SpiceDB that was emptied. A second run finds nothing to do.')
    .action((flags: Json & { operator: string }) => withSession((session) => runRepair(session, flags)));
}

async function runMigrations({ runtime }: OperatorSession, json: boolean | undefined): Promise<number> {
  const applied = await migrate(runtime.config.databaseUrl!, projectPath('migrations'));
  const schema = await readFile(projectPath('schema.zed'), 'utf8');
  await runtime.spicedb.writeSchema(schema);
  const live = definitionsOf((await runtime.spicedb.readSchema()) ?? '');
  const missing = definitionsOf(schema).filter((name) => !live.includes(name));
  if (missing.length > 0)
    throw new Error(`SpiceDB does not show these definitions of schema.zed: ${missing.join(', ')}`);
  print(json, { applied }, () =>
    applied.length > 0
      ? `applied ${applied.join(', ')}; schema.zed is written`
      : 'the tables are up to date; schema.zed is written',
  );
  return EXIT.done;
}

async function runReplay({ runtime }: OperatorSession, model: string, json: boolean | undefined): Promise<number> {
  const { pool, log, domain } = runtime;
  const models = domain.readModels.filter(({ name }) => model === 'all' || name === model);
  if (models.length === 0) {
    process.stderr.write(
      `There is no read model ${model}; there are: all, ${domain.readModels.map(({ name }) => name).join(', ')}\n`,
    );
    return EXIT.usage;
  }
  const bar = new ProgressBar('replaying');
  try {
    const report = await replay({
      ...{ pool, log, models, registry: domain.registry },
      onProgress: ({ position, head, eventsPerSecond }) => bar.show(position, head, eventsPerSecond),
    });
    bar.stop();
    print(json, report, () => {
      const rate = Math.round(report.events / Math.max(report.seconds, 0.001));
      const changed = report.tables.filter(
        ({ onlyLive, onlyRebuilt, changed: rows }) => onlyLive + onlyRebuilt + rows > 0,
      );
      const different = changed.map(({ table: name }) => name).join(', ');
      return (
        `${report.models.join(', ')}: ${report.events} events in ${report.seconds.toFixed(1)} s (${rate}/s), up to ${report.position}; ` +
        (different ? `rows differed in: ${different}` : 'the rows are as they were')
      );
    });
    return EXIT.done;
  } catch (error) {
    if (error instanceof ReplayRefused) process.stderr.write(`${error.message}\n`);
    else throw error;
    return EXIT.failed;
  } finally {
    bar.stop();
  }
}

async function runVerify({ runtime }: OperatorSession, json: boolean | undefined): Promise<number> {
  const { log, pool, spicedb, domain } = runtime;
  const report = await checkInvariants({ log, pool, spicedb, domain, partition: PARTITION });
  print(json, report, () => describeReport(report));
  return report.ok ? EXIT.done : EXIT.failed;
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
  return [
    ...lines,
    ...waiting,
    ok ? `All is as the log says, up to ${position}.` : `Not all is as the log says at ${position}.`,
  ].join('\n');
}

async function runRepair(
  { runtime }: OperatorSession,
  { json, operator }: Json & { operator: string },
): Promise<number> {
  const { log, pool, spicedb, domain } = runtime;
  const context = operatorContext(runtime, operator);
  const report = await repairRelationships({ log, pool, spicedb, domain, partition: PARTITION, context });
  print(json, report, () =>
    report.position === null
      ? 'Nothing to repair.'
      : `${report.missing} relationships written, ${report.extra} removed; on the record at ${report.position}.` +
        report.refused.map(({ tuple, error }) => `\nrefused by SpiceDB: ${tuple}: ${error}`).join(''),
  );
  return report.refused.length > 0 ? EXIT.failed : EXIT.done;
}
