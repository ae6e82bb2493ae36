import type { Pool } from 'pg';
import { isAuditHead } from '../audit-log/index.js';
import {
  BEFORE_START,
  type CommandContext,
  type EventLog,
  LogRestored,
  type StoredEvent,
} from '../event-store/index.js';
import { inTransaction } from '../platform/index.js';
import { type Domain, trailWithoutCheckpoint } from '../projections/index.js';
import { recordRepair } from './record-repair.js';
import { LOSS_ACCEPTED, REBUILDING } from './repairs.noun.js';

export interface LostEvents {
  /** The last event that the log and the trail have in common. */
  last: { position: number; eventId: string };
  count: number;
  /** When the first and the last of them happened; ISO 8601 UTC. */
  firstAt: string;
  lastAt: string;
}

interface Followed {
  pool: Pool;
  log: EventLog;
  partition: number;
}

const AT_ONCE = 1_000;

/**
 * Events that the read side was made of, and that the log does not have any more: it was restored to an earlier time.
 * @returns undefined where the log has what the relay committed last
 * @throws LogRestored the log and the trail have nothing in common
 */
export async function findLostEvents({ pool, log, partition }: Followed): Promise<LostEvents | undefined> {
  const { rows } = await pool.query<{ position: number; eventId: string }>(
    'select position, event_id as "eventId" from relay_checkpoint where partition = $1',
    [partition],
  );
  const checkpoint = rows[0] ?? (await trailWithoutCheckpoint(pool, partition));
  if (!checkpoint) return undefined;
  let last: LostEvents['last'] | undefined;
  let differs = false;
  for (let position = BEFORE_START; position < checkpoint.position;) {
    const events = await log.readAll(position, AT_ONCE);
    if (events.some(({ id }) => id === checkpoint.eventId)) return undefined;
    const shared: StoredEvent[] = differs ? [] : await sharedOf(pool, events, position);
    differs ||= shared.length < events.length;
    const latest = shared.at(-1);
    if (latest) last = { position: latest.position, eventId: latest.id };
    if (events.length < AT_ONCE) break;
    position = events.at(-1)!.position;
  }
  if (!last) throw new LogRestored('the event store holds another log: connect the one that belongs to this database');
  return { last, ...(await lostAfter(pool, last.position)) };
}

/** The first of the events, for as long as each has its audit entry and the trail has no other. */
async function sharedOf(pool: Pool, events: readonly StoredEvent[], after: number): Promise<StoredEvent[]> {
  const { rows } = await pool.query<{ position: number; id: string }>(
    'select position, event_id as id from audit_entry where position > $1 and position <= $2 order by position',
    [after, events.at(-1)?.position ?? after],
  );
  let next = 0;
  const different = events.findIndex((event) => {
    if (isAuditHead(event.type)) return rows[next] !== undefined && rows[next]!.position <= event.position;
    const entry = rows[next++];
    return entry?.position !== event.position || entry.id !== event.id;
  });
  return different < 0 ? [...events] : events.slice(0, different);
}

async function lostAfter(pool: Pool, position: number): Promise<Omit<LostEvents, 'last'>> {
  const { rows } = await pool.query<Omit<LostEvents, 'last'>>(
    `select count(*)::integer as count, min(at) as "firstAt", max(at) as "lastAt" from audit_entry where position > $1`,
    [position],
  );
  return rows[0]!;
}

/**
 * Takes the read side back to what it shares with the log: entries of lost events are put aside, and the checkpoint
 * stands where the log still knows it. No relay goes on until everything else is rebuilt from there.
 */
export async function acceptLostEvents(
  { context, domain, ...followed }: Followed & { context: CommandContext; domain: Pick<Domain, 'registry'> },
  { last, count, firstAt, lastAt }: LostEvents,
): Promise<void> {
  const { pool, log, partition } = followed;
  const data = { after: last.position, count, firstAt, lastAt };
  await recordRepair({ log, domain }, context, { type: LOSS_ACCEPTED, data });
  await inTransaction(pool, async (client) => {
    await client.query('lock table relay_checkpoint in exclusive mode');
    await client.query(
      `with lost as (delete from audit_entry where position > $1 returning *)
       insert into lost_audit_entry (lost_at, position, entry) select now(), position, to_jsonb(lost) from lost`,
      [last.position],
    );
    await client.query('delete from parked where position > $1', [last.position]);
    await client.query('delete from replay_run');
    await client.query('delete from relationship_change where partition = $1', [partition]);
    await client.query(`update process_checkpoint set position = least(position, $2) where partition = $1`, [
      partition,
      last.position,
    ]);
    await client.query('update delivery_mark set position = $2, written = null where partition = $1', [
      partition,
      last.position,
    ]);
    await client.query(
      'update relay_checkpoint set position = $2, event_id = $3, incarnation = $4 where partition = $1',
      [partition, last.position, last.eventId, REBUILDING],
    );
  });
}
