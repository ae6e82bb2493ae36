import type { Command } from 'commander';
import { type EventLog, PARTITION } from '../../libs/event-store/index.js';
import { noteDoubt } from '../../libs/outbox/index.js';
import { replay, restoreCheckpoint } from '../../libs/projections/index.js';
import {
  acceptLostEvents,
  findLostEvents,
  type LostEvents,
  REBUILDING,
  repairRelationships,
  type RepairReport,
} from '../../libs/verification/index.js';
import { requireMigrated } from '../../libs/wiring/index.js';
import { EXIT, print, ProgressBar } from './output.js';
import { operatorContext, type OperatorSession, operatorOption } from './session.js';
import type { WithSession } from './store-commands.js';
import { watchedLog } from './watched-log.js';
import { withoutRelay } from './without-relay.js';

const REBUILD = `
For after a backup was restored: rebuilds everything that follows from the log, and makes SpiceDB hold what is wanted.
Stop every API and relay first, and start them again afterwards.

Where the event store was restored to an earlier time than the rest, the events after it are lost. The command says how
many, and changes nothing unless --accept-lost-events is given: then the audit entries of the lost events are put aside
(the table lost_audit_entry), what they did is undone, and the loss itself is put on the record. Interrupted, it goes on
when it is started again.

Exits with 1 where events are lost and that is not accepted, and with 2 where a relay is active.`;

interface Flags {
  acceptLostEvents?: boolean;
  operator: string;
  json?: boolean;
}

interface Rebuilt {
  lost: LostEvents | null;
  events: number;
  tables: number;
  repaired: RepairReport;
}

export function addRebuildCommand(program: Command, withSession: WithSession): void {
  program
    .command('rebuild')
    .description('rebuild all that follows from the log, after a backup was restored')
    .option('--accept-lost-events', 'go on with a log that was restored to an earlier time than the rest')
    .addOption(operatorOption())
    .option('--json', 'print what was done as JSON')
    .addHelpText('after', REBUILD)
    .action((flags: Flags) => withSession((session) => runRebuild(session, flags)));
}

async function runRebuild(session: OperatorSession, flags: Flags): Promise<number> {
  await requireMigrated(session.runtime);
  return withoutRelay(session.runtime.pool, { owner: 'operator-rebuild', goal: 'rebuild' }, async () => {
    const lost = (await findLostEvents({ ...session.runtime, partition: PARTITION })) ?? null;
    if (lost && !flags.acceptLostEvents) {
      print(flags.json, { lost }, () => describeLoss(lost));
      return EXIT.failed;
    }
    const rebuilt = await rebuild(session, lost, flags.operator);
    print(flags.json, rebuilt, () => describeRebuilt(rebuilt));
    return rebuilt.repaired.refused.length > 0 ? EXIT.failed : EXIT.done;
  });
}

async function rebuild({ runtime }: OperatorSession, lost: LostEvents | null, operator: string): Promise<Rebuilt> {
  const { pool, log, spicedb, domain, clock } = runtime;
  const context = operatorContext(runtime, operator);
  const followed = { pool, log, domain, partition: PARTITION };
  await restoreCheckpoint(pool, PARTITION, await log.incarnation());
  if (lost) await acceptLostEvents({ ...followed, context }, lost);
  const bar = new ProgressBar('replaying');
  const report = await replay({
    ...{ pool, registry: domain.registry, models: domain.readModels, relationships: domain.relationships },
    log: await asFollowed(runtime),
    onProgress: ({ position, head, eventsPerSecond }) => bar.show(position + 1, head + 1, eventsPerSecond),
  }).finally(() => bar.stop());
  const reading = new ProgressBar('reading the log');
  const watched = await watchedLog(log, (position, head) => reading.show(position, head));
  const repaired = await repairRelationships({
    ...{ log: watched, pool, spicedb, domain, clock, partition: PARTITION, settleMs: 0 },
    context: operatorContext(runtime, operator),
  }).finally(() => reading.stop());
  await pool.query('update relay_checkpoint set incarnation = $2 where partition = $1 and incarnation = $3', [
    PARTITION,
    await log.incarnation(),
    REBUILDING,
  ]);
  await noteDoubt(pool, PARTITION, null);
  return { lost, events: report.events, tables: report.tables.length, repaired };
}

/** The log under the name that the read side has for it while it is being rebuilt. */
async function asFollowed({ pool, log }: OperatorSession['runtime']): Promise<EventLog> {
  const { rowCount } = await pool.query('select 1 from relay_checkpoint where partition = $1 and incarnation = $2', [
    PARTITION,
    REBUILDING,
  ]);
  if (rowCount === 0) return log;
  return new Proxy(log, {
    get: (target, name) => {
      if (name === 'incarnation') return async () => REBUILDING;
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}

function describeLoss({ last, count, firstAt, lastAt }: LostEvents): string {
  return (
    `The event store was restored to an earlier time: it ends or differs after position ${last.position}, and ${count} ` +
    `events that happened from ${firstAt} to ${lastAt} are lost. Nothing was changed.\n` +
    'Restore a later backup of the event store, or go on without them: operator rebuild --accept-lost-events'
  );
}

function describeRebuilt({ lost, events, tables, repaired }: Rebuilt): string {
  const { missing, extra, refused } = repaired;
  return [
    ...(lost ? [`${lost.count} lost events accepted; their audit entries are in lost_audit_entry.`] : []),
    `${tables} tables rebuilt from ${events} events; ${missing} relationships written, ${extra} removed.`,
    ...refused.map(({ tuple, error }) => `refused by SpiceDB: ${tuple}: ${error}`),
    'Start the relays and the API, then look with: operator verify',
  ].join('\n');
}
