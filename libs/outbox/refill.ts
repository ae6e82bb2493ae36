import type { Pool } from 'pg';
import type { SpiceDb, Update } from '../authorization/index.js';
import { BEFORE_START } from '../event-store/index.js';
import { inTransaction } from '../platform/index.js';
import { writeUnderMark } from './relay-mark.js';

export interface Refilled {
  relationships: number;
  /** Up to which position of the log SpiceDB now stands. */
  position: number;
}

const UPDATES_AT_ONCE = 1_000;
/** 100,000 relationships in 3.8 s; more writers are not faster. */
const WRITERS = 4;

/** Writes every wanted relationship into an empty SpiceDB, and the mark last. */
export async function refillRelationships(pool: Pool, spicedb: SpiceDb, partition: number): Promise<Refilled> {
  const { updates, to } = await inTransaction(
    pool,
    async (client) => {
      const wanted = await client.query<Omit<Update, 'operation'>>(
        `select tuple, case when bool_or(until is null) then null else max(until) end as "expiresAt"
         from relationship_source where not withdrawn group by tuple
         having bool_or(until is null) or max(until) > clock_timestamp() order by tuple`,
      );
      const checkpoint = await client.query<{ position: number; eventId: string | null }>(
        `select c.position, e.event_id as "eventId"
         from relay_checkpoint c left join audit_entry e on e.event_id = c.event_id where c.partition = $1`,
        [partition],
      );
      const touches: Update[] = wanted.rows.map((row) => ({ operation: 'touch', ...row }));
      const { position = BEFORE_START, eventId } = checkpoint.rows[0] ?? {};
      return { updates: touches, to: { position, piece: 0, ...(eventId && { eventId }) } };
    },
    'repeatable read',
  );
  const batches: Update[][] = [];
  for (let start = 0; start < updates.length; start += UPDATES_AT_ONCE) {
    batches.push(updates.slice(start, start + UPDATES_AT_ONCE));
  }
  const write = async (): Promise<void> => {
    for (let batch = batches.pop(); batch; batch = batches.pop()) await spicedb.write(batch);
  };
  await Promise.all(Array.from({ length: WRITERS }, write));
  await writeUnderMark(spicedb, partition, { from: undefined, to }, []);
  return { relationships: updates.length, position: to.position };
}
