import type { Pool } from 'pg';
import type { SpiceDb } from '../authorization/index.js';
import type { EventLog } from '../event-store/index.js';
import { type Clock, inTransaction, systemClock } from '../platform/index.js';
import type { Domain } from '../projections/index.js';
import { checkMark, checkSpiceDb, isSkipped } from './check-spicedb.js';
import { isForeign } from './foreign-mark.js';
import { inspectDatabase } from './inspect-database.js';
import type { TupleChange } from './naive-relationships.js';
import { MOST_LISTED, type Report } from './report.js';
import { ownTypes } from './schema-types.js';
import { basisOf, settledStanding, type Standing, standingNow } from './standing.js';
import { Moving, readLog, type Truth } from './truth.js';

export interface CheckOptions {
  log: EventLog;
  pool: Pool;
  spicedb: SpiceDb;
  domain: Domain;
  partition: number;
  clock?: Clock;
  /** How long delivery may take to catch up with the checkpoint before it is taken as it is; 5 s unless told. */
  settleMs?: number;
  /** Object types that are ours; those of schema.zed unless told. */
  types?: readonly string[];
}

/** Works out from the log alone what everything else should be, and compares. Changes nothing. */
export async function checkInvariants(options: CheckOptions): Promise<Report> {
  const { pool, spicedb, clock = systemClock, types = await ownTypes() } = options;
  const standing = await settledStanding(options);
  const [mark] = standing.marks;
  const foreign = mark !== undefined && (await isForeign(options, mark, standing.checkpoint));
  const moving = new Moving(basisOf(foreign ? { ...standing, marks: [] } : standing));
  const skipped: TupleChange[] = [];
  const onChanges = (changes: readonly TupleChange[]): void => {
    moving.note(changes);
    skipped.push(...changes.filter((change) => isSkipped(change, standing)));
  };
  const database = await inTransaction(
    pool,
    (client) => inspectDatabase(client, options, onChanges),
    'repeatable read',
  );
  const { snapshot, parked, truth, checks, undelivered } = database;
  let later = standing;
  const follow = async (): Promise<void> => {
    later = await followOn(options, truth, moving, snapshot.checkpoint);
  };
  const compared = { spicedb, types, relationships: truth.relationships, moving, parked, clock };
  const relationships = await checkSpiceDb(compared, follow);
  checks.push(relationships, checkMark(standing, { checkpoint: later.checkpoint, foreign }, skipped));
  const open = parked.filter(({ status }) => status === 'parked');
  return {
    position: snapshot.checkpoint,
    ok: checks.every(({ ok }) => ok),
    checks,
    delivery: { delivered: snapshot.delivered, undelivered },
    parked: { count: open.length, rows: open.slice(0, MOST_LISTED) },
  };
}

/** Follows the log to where SpiceDB can be by now. */
export async function followOn(
  options: Pick<CheckOptions, 'log' | 'pool' | 'spicedb' | 'partition'>,
  truth: Truth,
  moving: Moving,
  from: number,
): Promise<Standing> {
  const now = await standingNow(options);
  const upTo = Math.max(now.checkpoint, moving.basis);
  for await (const event of readLog(options.log, from, upTo)) moving.note(truth.applyToRelationships(event));
  return now;
}
