import type { Pool } from 'pg';
import { type EventLog, LogRestored } from '../event-store/index.js';
import { requireCheckpoint } from '../projections/index.js';

interface Followed {
  pool: Pick<Pool, 'query'>;
  log: EventLog;
  partition: number;
}

/**
 * The log has the last event that is on the trail, and the checkpoint is there: looked up before anything is written that
 * follows from the trail.
 * @throws LogRestored
 */
export async function requireSameLog({ pool, log, partition }: Followed): Promise<void> {
  await requireCheckpoint(pool, partition);
  const { rows } = await pool.query<{ id: string; position: number; stream: string; revision: number }>(
    `select event_id as id, position, event::jsonb ->> 'stream' as stream,
            (event::jsonb ->> 'revision')::bigint as revision
     from audit_entry order by position desc limit 1`,
  );
  const [last] = rows;
  if (!last) return;
  const [found] = await log.readStream(last.stream, last.revision);
  if (found?.id === last.id && found.position === last.position) return;
  throw new LogRestored(
    `the read side has seen event ${last.id} at position ${last.position}, and this is not the log that was followed ` +
      'before: it does not have it there',
  );
}
