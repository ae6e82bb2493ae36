import type { ClientBase } from 'pg';
import {
  BEFORE_START,
  type Decode,
  type EventLog,
  type EventRegistry,
  LogRestored,
  type Recorded,
  type StoredEvent,
  UnknownEventType,
} from '../event-store/index.js';
import { requireCheckpoint } from './lost-checkpoint.js';

/** Up to where the live rows have come, and what was left out of them. */
export interface LiveEnd {
  position: number;
  eventId: string | null;
  /** Ids of parked events. One that an operator has marked to be retried is not among them. */
  skipped: ReadonlySet<string>;
}

/** @throws LogRestored the relay has come somewhere, and nobody knows where */
export async function liveEnd(client: ClientBase, partition: number, after: number): Promise<LiveEnd> {
  const { rows } = await client.query<{ position: number; eventId: string; skipped: string[] }>(
    `select c.position, c.event_id as "eventId",
       array(select event_id::text from parked p where p.partition = c.partition and p.stage = 'event'
             and p.status <> 'retried' and p.position between $2::bigint + 1 and c.position) as skipped
     from relay_checkpoint c where c.partition = $1`,
    [partition, after],
  );
  const [found] = rows;
  if (!found) {
    await requireCheckpoint(client, partition);
    return { position: BEFORE_START, eventId: null, skipped: new Set() };
  }
  return { ...found, skipped: new Set(found.skipped) };
}

/** Some events, and what decodes them. */
export interface Piece {
  events: readonly StoredEvent[];
  decode: Decode;
}

interface Read extends Piece {
  /** Fewer events than were asked for. */
  short: boolean;
}

interface Source {
  log: EventLog;
  registry: EventRegistry;
  /** How many events are read at once, as of now. */
  limit: () => number;
}

/** Everything from `after` to the end of what the relay has committed; the next piece is read while one is used. */
export async function* readUpTo(source: Source, after: number, end: LiveEnd): AsyncGenerator<Piece> {
  const { position, eventId } = end;
  let reading = after < position ? readPiece(source, after, end) : undefined;
  while (reading) {
    const piece: Read = await reading;
    const last = piece.events.at(-1);
    const ended = last?.position === position;
    if (ended ? last.id !== eventId : piece.short) throw new LogRestored(elsewhere(position, eventId));
    reading = ended ? undefined : readPiece(source, last!.position, end);
    // Its failure is told when it is awaited, unless whoever uses the pieces has failed before.
    reading?.catch(() => undefined);
    yield piece;
  }
}

async function readPiece({ log, registry, limit }: Source, after: number, { position }: LiveEnd): Promise<Read> {
  const most = limit();
  const events = (await log.readAll(after, most)).filter((event) => event.position <= position);
  return { events, decode: await registry.decoderOf(events), short: events.length < most };
}

/** The events of a piece that the live rows were made of. */
export function decodeLive({ events, decode }: Piece, skipped: LiveEnd['skipped']): Recorded[] {
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
