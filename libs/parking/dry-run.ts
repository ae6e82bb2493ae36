import type { Pool } from 'pg';
import type { EventLog } from '../event-store/index.js';
import { foldRelationships } from '../outbox/index.js';
import { inTransaction, isConnectionError } from '../platform/index.js';
import { type Domain, Projector } from '../projections/index.js';

class Undone extends Error {}

/** Whether today's code can apply an event that was parked: it does, and undoes it. */
export async function isUnderstood(pool: Pool, log: EventLog, domain: Domain, eventId: string): Promise<boolean> {
  const { rows } = await pool.query<{ stream: string; revision: number }>(
    `select event::jsonb ->> 'stream' as stream, (event::jsonb ->> 'revision')::bigint as revision
     from audit_entry where event_id = $1`,
    [eventId],
  );
  const [stored] = rows[0] ? await log.readStream(rows[0].stream, rows[0].revision) : [];
  if (stored?.id !== eventId) return false;
  const decode = await domain.registry.decoderOf([stored]);
  try {
    await inTransaction(pool, async (client) => {
      const event = decode(stored);
      await new Projector(domain.readModels).project(client, [event]);
      await foldRelationships(client, event.metadata.partition, [event], domain.relationships);
      throw new Undone();
    });
  } catch (error) {
    if (isConnectionError(error)) throw error;
    return error instanceof Undone;
  }
  return false;
}
