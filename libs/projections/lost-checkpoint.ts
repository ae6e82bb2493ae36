import type { ClientBase } from 'pg';
import { LogRestored } from '../event-store/index.js';

/** The last event that is on the trail: the relay writes its entry with the checkpoint. */
export interface TrailEnd {
  position: number;
  eventId: string;
}

type Asked = Pick<ClientBase, 'query'>;

/** @returns undefined where the checkpoint is there, or the relay has never committed anything */
export async function trailWithoutCheckpoint(client: Asked, partition: number): Promise<TrailEnd | undefined> {
  const { rows } = await client.query<TrailEnd>(
    `select position, event_id as "eventId" from audit_entry
     where not exists (select from relay_checkpoint where partition = $1) order by position desc limit 1`,
    [partition],
  );
  return rows[0];
}

/**
 * Without the checkpoint what was committed looks like nothing: the relay would do it all again, a replay none of it.
 * @throws LogRestored
 */
export async function requireCheckpoint(client: Asked, partition: number): Promise<void> {
  const end = await trailWithoutCheckpoint(client, partition);
  if (!end) return;
  throw new LogRestored(
    `the row of relay_checkpoint is missing, though the trail goes up to event ${end.eventId} at position ` +
      `${end.position}. Stop every API and relay, then run: operator rebuild`,
  );
}

/** Puts the checkpoint back to where the trail ends. Events after that, if any, were heads of the trail, which change nothing. */
export async function restoreCheckpoint(client: Asked, partition: number, incarnation: string): Promise<void> {
  const end = await trailWithoutCheckpoint(client, partition);
  if (!end) return;
  await client.query(
    `insert into relay_checkpoint (partition, incarnation, position, event_id) values ($1, $2, $3, $4)
     on conflict (partition) do nothing`,
    [partition, incarnation, end.position, end.eventId],
  );
}
