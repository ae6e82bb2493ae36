import type { AllStreamResolvedEvent, Position, ResolvedEvent } from '@eventstore/db-client';
import { EventLogUnavailable, type JsonObject, type StoredEvent } from './event-log.js';
import type { EventMetadata } from './event-metadata.js';

/**
 * Holds the identity of the log and nothing else, and is hidden as the server's own events are. Its name has no `$`:
 * on a secured server only its administrators may write to streams whose name begins so.
 */
export const IDENTITY_STREAM = 'countersign-log';
export const IDENTITY_TYPE = 'log-initialised.v1';

/** Kept in the stored form of an event, beside its type, id and metadata. */
export interface StoredForm {
  data: JsonObject;
  personal?: JsonObject;
}

/** Of the streams that the server sends to followers; what is left is sorted out here. */
export const FOLLOWED_STREAMS = '^[^$]';

type Resolved = ResolvedEvent | AllStreamResolvedEvent;

/** `null` for what isn't ours: the server's own events, the identity of the log, and what others wrote there. */
export function toStoredEvent({ event }: Resolved): StoredEvent | null {
  if (!event?.isJson || isHidden(event.streamId, event.type) || !isObject(event.data)) return null;
  const { data, personal } = event.data as Partial<StoredForm>;
  if (!isObject(data) || !isObject(event.metadata)) return null;
  const stored = {
    id: event.id,
    type: event.type,
    data,
    metadata: event.metadata as unknown as EventMetadata,
    stream: event.streamId,
    revision: Number(event.revision),
    position: toNumber(event.position),
  };
  return personal === undefined ? stored : { ...stored, personal };
}

export function isHidden(stream: string, type: string): boolean {
  return stream.startsWith('$') || type.startsWith('$') || stream === IDENTITY_STREAM;
}

/** Commit and prepare position are one where there are no explicit transactions, and the client makes none. */
export function toPosition(position: number): Position {
  return { commit: BigInt(position), prepare: BigInt(position) };
}

export function toNumber(position: Position | undefined): number {
  const number = Number(position?.commit ?? NaN);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new EventLogUnavailable(`the server gives no position that can be used: ${position?.commit}`);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}
