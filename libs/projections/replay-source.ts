import type { ClientBase } from 'pg';
import {
  BEFORE_START,
  type Decode,
  type EventLog,
  LogRestored,
  type Recorded,
  type StoredEvent,
  UnknownEventType,
} from '../event-store/index.js';

/** Up to where the live rows have come, and what was left out of them. */
export interface LiveEnd {
  position: number;
  eventId: string | null;
  /** Ids of parked events. One that an operator has marked to be retried is not among them. */
  skipped: ReadonlySet<string>;
}

export async function liveEnd(client: ClientBase, partition: number, after: number): Promise<LiveEnd> {
  const { rows } = await client.query<{ position: number; eventId: string; skipped: string[] }>(
    `select c.position, c.event_id as "eventId",
       array(select event_id::text from parked p where p.partition = c.partition and p.stage = 'event'
             and p.status <> 'retried' and p.position between $2::bigint + 1 and c.position) as skipped
     from relay_checkpoint c where c.partition = $1`,
    [partition, after],
  );
  const [found] = rows;
  if (!found) return { position: BEFORE_START, eventId: null, skipped: new Set() };
  return { ...found, skipped: new Set(found.skipped) };
}

/** Everything from `after` to the end of what the relay has committed; the next piece is read while one is used. */
export async function* readUpTo(
  log: EventLog,
  after: number,
  { position, eventId }: LiveEnd,
  limit: number,
): AsyncGenerator<StoredEvent[]> {
  let reading = after < position ? log.readAll(after, limit) : undefined;
  while (reading) {
    const read: StoredEvent[] = await reading;
    const events = read.filter((event) => event.position <= position);
    const last = events.at(-1);
    const ended = last?.position === position;
    if (ended ? last.id !== eventId : events.length < limit) throw new LogRestored(elsewhere(position, eventId));
    reading = ended ? undefined : log.readAll(last!.position, limit);
    // Its failure is told when it is awaited, unless whoever uses the pieces has failed before.
    reading?.catch(() => undefined);
    yield events;
  }
}

/** The events of a piece that the live rows were made of. */
export function decodeLive(decode: Decode, events: readonly StoredEvent[], skipped: LiveEnd['skipped']): Recorded[] {
  const decoded: Recorded[] = [];
  for (const event of events) {
    if (skipped.has(event.id)) continue;
    try {
      decoded.push(decode(event));
    } catch (error) {
      if (!(error instanceof UnknownEventType)) throw error;
    }
  }
  return decoded;
}

function elsewhere(position: number, eventId: string | null): string {
  return (
    `the relay has committed event ${eventId} at position ${position}, and this log does not have it there: ` +
    'connect the database that belongs to this event store, or restore the log'
  );
}
