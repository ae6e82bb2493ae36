import type { EventMetadata } from './event-metadata.js';

/** JSON as it is stored. `undefined` members must not be present. */
export type JsonObject = { [key: string]: unknown };

export interface EventToAppend {
  /** A UUID derived from the command id, so that a repeat carries the same one. */
  id: string;
  /** The frozen stored name, with its version: `tenant-created.v1`. */
  type: string;
  data: JsonObject;
  /** Names, addresses and free text, apart from `data`: as it is stored, a SealedPart. */
  personal?: JsonObject;
  metadata: EventMetadata;
}

export interface StoredEvent extends EventToAppend {
  stream: string;
  /** 0 for the first event of a stream. */
  revision: number;
  /** Place in the one global commit order; a safe integer, strictly increasing, with gaps on EventStoreDB. */
  position: number;
}

/** The expected revision of a stream that must not exist yet. */
export const NO_STREAM = -1;
/** The position before the first event of a log. */
export const BEFORE_START = -1;

export interface Appended {
  /** Revision of the last event of the append. */
  revision: number;
  /** Position of the last event of the append. */
  position: number;
}

export interface Checkpoint {
  position: number;
  /** Id of the event at `position`; re-read on resume to notice a log that was restored or swapped. */
  eventId: string;
}

export interface FollowOptions {
  /** Where to go on, exclusive; `null` follows from the first event. */
  after: Checkpoint | null;
  /** Largest batch handed out at once. */
  maxBatch: number;
  signal: AbortSignal;
}

/**
 * The append-only log of all events, the only source of truth.
 * Both adapters pass the suite in `event-log.contract.ts`.
 */
export interface EventLog {
  /**
   * Appends all of `events` (at least one) or none; durable before it answers.
   * A repeat with the same event ids and the same expectation answers as the first time, however much was written since.
   * @throws RevisionConflict the stream is elsewhere
   * @throws AppendTooLarge more than 1 MiB
   * @throws EventLogUnavailable the outcome is unknown or nothing was written: repeat with the same ids
   */
  append(stream: string, expectedRevision: number, events: readonly EventToAppend[]): Promise<Appended>;
  /** Events of one stream from `fromRevision` on, in order; empty when there are none. */
  readStream(stream: string, fromRevision?: number): Promise<StoredEvent[]>;
  /** Up to `limit` events after `position`, in commit order; fewer only at the end of the log. */
  readAll(afterPosition: number, limit: number): Promise<StoredEvent[]>;
  /** Position of the last event of ours, BEFORE_START when there is none. */
  head(): Promise<number>;
  /** Identity of this log; a restored copy keeps it, an emptied or swapped one has another. */
  incarnation(): Promise<string>;
  /**
   * Every event after the checkpoint, in commit order, none skipped, in batches of what is there.
   * Reconnects by itself; never ends before `signal` aborts (then it ends without an error).
   * @throws LogRestored the checkpoint's event is not where it was
   */
  follow(options: FollowOptions): AsyncIterable<StoredEvent[]>;
  /** Answers or rejects everything in flight, then releases connections. */
  close(): Promise<void>;
}

export class RevisionConflict extends Error {
  override readonly name = 'RevisionConflict';
  constructor(
    readonly stream: string,
    readonly expected: number,
    readonly actual: number,
  ) {
    super(`stream ${stream} is at revision ${actual}, not ${expected}`);
  }
}

export class AppendTooLarge extends Error {
  override readonly name = 'AppendTooLarge';
}

export class EventLogUnavailable extends Error {
  override readonly name = 'EventLogUnavailable';
}

export class LogRestored extends Error {
  override readonly name = 'LogRestored';

  /** @param seen the event that was found, if any, where that of the checkpoint was expected */
  static at({ position, eventId }: Checkpoint, seen: StoredEvent | undefined): LogRestored {
    const found = seen?.position === position ? `event ${seen.id}` : 'nothing';
    return new LogRestored(
      `expected event ${eventId} at position ${position} and found ${found}: ` +
        'this is not the log that was followed before; rebuild from its start or restore the right one',
    );
  }
}
