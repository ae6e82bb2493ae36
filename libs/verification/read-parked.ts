import type { Pool } from 'pg';
import type { ParkedRow } from './report.js';

/** Everything that was ever parked, open or not. */
export async function readParked(client: Pick<Pool, 'query'>, partition: number): Promise<ParkedRow[]> {
  const { rows } = await client.query<ParkedRow>(
    `select id, position, event_id as "eventId", event_type as "eventType", stage, tuple, expires_at as "expiresAt",
            error, status
     from parked where partition = $1 order by position, id`,
    [partition],
  );
  return rows;
}

/** Ids of the events that have no effect because they could not be applied. One that was retried has its effect. */
export function poisonOf(parked: readonly ParkedRow[]): ReadonlySet<string> {
  return new Set(
    parked.filter(({ stage, status }) => stage === 'event' && status !== 'retried').map(({ eventId }) => eventId),
  );
}
