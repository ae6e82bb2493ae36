import { AppendTooLarge, NO_STREAM, type EventToAppend, type JsonObject } from './event-log.js';

/** What EventStoreDB takes in one append by default. */
const MAX_APPEND_BYTES = 1_048_576;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
/** A NUL or half a surrogate pair, as JSON.stringify writes them; `\\u0000` is a backslash and a word. */
const UNSTORABLE = /(?:^|[^\\])(?:\\\\)*\\u(?:0000|d[89a-f][0-9a-f]{2})/;

export interface SerialisedEvent {
  id: string;
  type: string;
  data: string;
  personal: string | undefined;
  metadata: string;
}

export interface SerialisedAppend {
  stream: string;
  expectedRevision: number;
  events: readonly SerialisedEvent[];
  bytes: number;
}

/**
 * Refuses what one of the stores would refuse, wedge on or silently change, and serialises the rest.
 * @throws TypeError the caller's mistake: repeating won't help
 * @throws AppendTooLarge
 */
export function serialiseAppend(
  stream: string,
  expectedRevision: number,
  events: readonly EventToAppend[],
): SerialisedAppend {
  if (stream === '' || stream.startsWith('$')) throw new TypeError(`not a stream name: '${stream}'`);
  refuseUnstorable(JSON.stringify(stream), 'the stream name');
  if (!Number.isSafeInteger(expectedRevision) || expectedRevision < NO_STREAM) {
    throw new TypeError(`not an exact revision: ${expectedRevision}`);
  }
  if (events.length === 0) throw new TypeError(`an append to ${stream} needs at least one event`);
  const serialised = events.map(serialiseEvent);
  refuseRepeatedIds(serialised);
  const bytes = serialised.reduce((sum, event) => sum + bytesOf(event), 0);
  if (bytes > MAX_APPEND_BYTES) {
    throw new AppendTooLarge(`${bytes} bytes to ${stream}, ${MAX_APPEND_BYTES} is the most in one append`);
  }
  return { stream, expectedRevision, events: serialised, bytes };
}

function serialiseEvent(event: EventToAppend): SerialisedEvent {
  if (!UUID.test(event.id)) throw new TypeError(`not a UUID: '${event.id}'`);
  if (event.type === '') throw new TypeError(`event ${event.id} has no type`);
  refuseUnstorable(JSON.stringify(event.type), `the type of event ${event.id}`);
  return {
    id: event.id.toLowerCase(),
    type: event.type,
    data: serialisePart(event.data, event),
    personal: event.personal === undefined ? undefined : serialisePart(event.personal, event),
    metadata: serialisePart(event.metadata, event),
  };
}

function serialisePart(part: JsonObject | EventToAppend['metadata'], event: EventToAppend): string {
  const json = JSON.stringify(part);
  if (json === undefined || json[0] !== '{')
    throw new TypeError(`event ${event.id} (${event.type}) is not JSON objects`);
  refuseUnstorable(json, `event ${event.id} (${event.type})`);
  return json;
}

/** jsonb can't hold these, and RFC 8785 has no canonical form for half a pair. */
function refuseUnstorable(json: string, what: string): void {
  if ((json.includes('\\u0000') || json.includes('\\ud')) && UNSTORABLE.test(json)) {
    throw new TypeError(`${what} holds a NUL character or half a surrogate pair`);
  }
}

function refuseRepeatedIds(events: readonly SerialisedEvent[]): void {
  if (new Set(events.map((event) => event.id)).size < events.length) {
    throw new TypeError('two events of one append have the same id');
  }
}

function bytesOf(event: SerialisedEvent): number {
  return (
    Buffer.byteLength(event.type) +
    Buffer.byteLength(event.data) +
    Buffer.byteLength(event.metadata) +
    (event.personal === undefined ? 0 : Buffer.byteLength(event.personal))
  );
}
