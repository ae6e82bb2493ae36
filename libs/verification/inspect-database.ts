import type { PoolClient } from 'pg';
import { BEFORE_START } from '../event-store/index.js';
import { type Domain, quote, requireCheckpoint } from '../projections/index.js';
import { AuditPairing, checkChains } from './check-audit.js';
import type { CheckOptions } from './check-invariants.js';
import { checkClosedTenants, checkOutbox, checkSources, checkSuspended, checkTable } from './check-rows.js';
import type { TupleChange } from './naive-relationships.js';
import { poisonOf, readParked } from './read-parked.js';
import { type Check, Findings, type ParkedRow } from './report.js';
import { readLogWithKeys, Truth } from './truth.js';

/** Where PostgreSQL stands, in one transaction. */
export interface Snapshot {
  checkpoint: number;
  eventId: string | null;
  incarnation: string | null;
  delivered: number;
}

export interface InspectedDatabase {
  snapshot: Snapshot;
  parked: ParkedRow[];
  /** As of the checkpoint. */
  truth: Truth;
  checks: Check[];
  undelivered: number;
}

/**
 * Compares the tables with the log up to their checkpoint.
 * @param onChanges told what each event changed
 * @throws LogRestored the checkpoint is lost
 */
export async function inspectDatabase(
  client: PoolClient,
  options: CheckOptions,
  onChanges: (changes: readonly TupleChange[]) => void,
): Promise<InspectedDatabase> {
  const { domain, partition } = options;
  await client.query('set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0');
  await keepTables(client, domain);
  const snapshot = await readSnapshot(client, partition);
  await requireCheckpoint(client, partition);
  const parked = await readParked(client, partition);
  const truth = new Truth(domain, poisonOf(parked));
  const waiting: TupleChange[] = [];
  const checks = await followLog(client, options, { snapshot, truth }, (changes) => {
    onChanges(changes);
    waiting.push(...changes.filter(({ event }) => event.position > snapshot.delivered));
  });
  const unrendered = new Set(parked.map(({ eventId }) => eventId));
  checks.push(await checkChains(client, domain, unrendered, truth.heads.heads.values()));
  for (const table of truth.readModels.tables.values()) {
    checks.push(await checkTable(client, table));
  }
  for (const check of [checkSources, checkClosedTenants, checkSuspended]) {
    checks.push(await check(client, truth.relationships));
  }
  const { undelivered, ...outbox } = await checkOutbox(client, partition, snapshot.delivered, waiting);
  checks.push(outbox);
  return { snapshot, parked, truth, checks, undelivered };
}

async function followLog(
  client: PoolClient,
  { log, domain }: CheckOptions,
  { snapshot, truth }: { snapshot: Snapshot; truth: Truth },
  onChanges: (changes: readonly TupleChange[]) => void,
): Promise<Check[]> {
  const { checkpoint, eventId, incarnation } = snapshot;
  const findings = new Findings('P3', 'checkpoint');
  const pairing = await AuditPairing.start(client);
  let last: { position: number; id: string | null } = { position: BEFORE_START, id: null };
  for await (const [event, decode] of readLogWithKeys(log, domain.registry, client, checkpoint)) {
    await pairing.pair(event);
    onChanges(truth.apply(event, decode));
    last = event;
  }
  if (last.position !== checkpoint || last.id !== eventId) {
    const expected = { position: last.position, eventId: last.id };
    findings.add({ kind: 'differs', subject: 'event', expected, actual: { position: checkpoint, eventId } });
  }
  const actual = await log.incarnation();
  if (incarnation !== null && incarnation !== actual) {
    findings.add({ kind: 'differs', subject: 'event log', expected: incarnation, actual });
  }
  for (const failure of truth.failures) findings.add(failure);
  return [findings.check, await pairing.finish()];
}

/** Before the snapshot is taken: rows of a table that a replay puts in a table's place after it could not be seen. */
async function keepTables(client: PoolClient, { readModels }: Domain): Promise<void> {
  const names = readModels.flatMap(({ tables }) => tables.map(({ name }) => quote(name)));
  if (names.length > 0) await client.query(`lock table ${names.join(', ')} in access share mode`);
}

async function readSnapshot(client: PoolClient, partition: number): Promise<Snapshot> {
  const { rows } = await client.query<Snapshot>(
    `select coalesce(c.position, ${BEFORE_START}) as checkpoint, c.event_id as "eventId", c.incarnation,
            coalesce(d.position, ${BEFORE_START}) as delivered
     from (select $1::integer as partition) p
     left join relay_checkpoint c using (partition) left join delivery_mark d using (partition)`,
    [partition],
  );
  return rows[0]!;
}
