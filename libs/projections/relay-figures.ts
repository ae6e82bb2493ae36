import type { Pool } from 'pg';
import { type EventLog, PARTITION } from '../event-store/index.js';
import type { Clock } from '../platform/index.js';

/** How far everything that follows the log is behind it. */
export interface RelayFigures {
  /** Of the log. */
  head: number;
  checkpoint: number;
  /** Events of the log that are not committed yet, counted up to a bound. */
  lagEvents: number;
  lagMore: boolean;
  /** Age of the oldest of them. */
  lagSeconds: number;
  processed: number;
  delivered: number;
  undelivered: number;
  /** Age of the event of the oldest undelivered change. */
  oldestUndeliveredSeconds: number;
  /** Why nothing is delivered, where the relay is in doubt of what SpiceDB holds. */
  doubt: string | null;
  parked: { events: number; relationships: number; followUps: number };
  lease: { owner: string; expiresAt: string; expiresInSeconds: number } | null;
}

interface Row {
  checkpoint: number;
  processed: number;
  delivered: number;
  undelivered: number;
  oldestAt: string | null;
  doubt: string | null;
  events: number;
  relationships: number;
  followUps: number;
  owner: string | null;
  expiresAt: string;
  expiresInSeconds: number;
}

const LAG_BOUND = 10_000;
const FIGURES = `select
    coalesce(c.position, -1) as checkpoint, coalesce(p.position, -1) as processed, coalesce(d.position, -1) as delivered,
    (select count(*) from relationship_change r where r.partition = one.partition
       and r.position > coalesce(d.position, -1)) as undelivered,
    (select a.at from audit_entry a where a.position = (select min(r.position) from relationship_change r
       where r.partition = one.partition and r.position > coalesce(d.position, -1)) limit 1) as "oldestAt",
    (select count(*) from parked where status = 'parked' and stage = 'event') as events,
    (select count(*) from parked where status = 'parked' and stage = 'delivery') as relationships,
    (select count(*) from parked where status = 'parked' and stage = 'process') as "followUps",
    d.doubt, l.owner, l.expires_at as "expiresAt",
    extract(epoch from l.expires_at - clock_timestamp())::float as "expiresInSeconds"
  from (select $1::integer as partition) one
  left join relay_checkpoint c using (partition) left join process_checkpoint p using (partition)
  left join delivery_mark d using (partition)
  left join relay_lease l on l.partition = one.partition and l.expires_at > clock_timestamp()`;

/** What `operator status` shows and `/metrics` tells. */
export async function readRelayFigures(
  { pool, log, clock }: { pool: Pool; log: EventLog; clock: Clock },
  partition = PARTITION,
): Promise<RelayFigures> {
  const { rows } = await pool.query<Row>(FIGURES, [partition]);
  const { events, relationships, followUps, owner, expiresAt, expiresInSeconds, oldestAt, ...positions } = rows[0]!;
  const [head, behind] = await Promise.all([log.head(), log.readAll(positions.checkpoint, LAG_BOUND)]);
  const ageOf = (at: string | null | undefined): number =>
    at ? Math.max(0, (clock.now().getTime() - Date.parse(at)) / 1_000) : 0;
  return {
    ...positions,
    head,
    lagEvents: behind.length,
    lagMore: behind.length === LAG_BOUND,
    lagSeconds: ageOf(behind[0]?.metadata.at),
    oldestUndeliveredSeconds: ageOf(oldestAt),
    parked: { events, relationships, followUps },
    lease: owner === null ? null : { owner, expiresAt, expiresInSeconds },
  };
}
