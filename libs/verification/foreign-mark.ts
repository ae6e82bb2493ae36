import type { Pool } from 'pg';
import type { EventLog } from '../event-store/index.js';
import { BEFORE_START } from '../event-store/index.js';
import type { Mark } from '../outbox/index.js';
import { readLog } from './truth.js';

/**
 * Whether the mark was left by deliveries of another log, or of this one before it was restored to an earlier time.
 * @param checkpoint up to where the audit trail goes
 */
export async function isForeign(
  { log, pool }: { log: EventLog; pool: Pick<Pool, 'query'> },
  { position, eventId }: Mark,
  checkpoint: number,
): Promise<boolean> {
  if (position === BEFORE_START) return false;
  if (position > (await log.head())) return true;
  if (eventId === undefined) return false;
  if (position <= checkpoint) {
    const found = 'select 1 from audit_entry where event_id = $1 and position = $2';
    return (await pool.query(found, [eventId, position])).rowCount === 0;
  }
  let last: { position: number; id: string } | undefined;
  for await (const event of readLog(log, checkpoint, position)) last = event;
  return last?.position !== position || last.id !== eventId;
}
