import type { Pool, QueryArrayConfig } from 'pg';
import { Gathered } from '../platform/core.js';
import { AppendQueue } from './append-queue.js';
import { serialiseAppend } from './append-rules.js';
import {
  BEFORE_START,
  EventLogUnavailable,
  type Appended,
  type EventLog,
  type EventToAppend,
  type FollowOptions,
  type JsonObject,
  type StoredEvent,
} from './event-log.js';
import type { EventMetadata } from './event-metadata.js';
import { writeBatch } from './postgres-append.js';
import { openPool, retryWhenUnreachable, type WarningLog } from './postgres-connections.js';
import { followPostgres } from './postgres-follower.js';
import { CoalescedNotifier } from './postgres-notifier.js';

export interface PostgresEventLogOptions {
  url: string;
  /** Connections for reads, 4 by default; appends and each follower have their own. */
  poolSize?: number;
  log?: WarningLog;
}

interface StreamRead {
  stream: string;
  fromRevision: number;
}
type EventRow = [
  position: string,
  stream: string,
  revision: string,
  id: string,
  type: string,
  data: JsonObject,
  personal: JsonObject | null,
  metadata: EventMetadata,
];

type StreamRow = EventRow extends [infer Position, string, ...infer Rest] ? [Position, ...Rest] : never;

const EVENT_COLUMNS = 'position, stream, revision, id, type, data, personal, metadata';
const STREAM_COLUMNS = EVENT_COLUMNS.replace('stream, ', '');
/** Of the connections for reads; the others are for what reads the whole log. */
const STREAM_READERS = 2;
/** So many whole streams are worth a statement more. */
const MANY_STREAMS = 32;
const READ_ATTEMPTS = 4;
const READ_TIMEOUT_MS = 15_000;
const WRITE_TIMEOUT_MS = 8_000;
/** One that appends and one that notifies. */
const WRITERS = 2;

/** The log in a PostgreSQL database: the schema `event_log` of its migrations. */
export class PostgresEventLog implements EventLog {
  private readonly queue = new AppendQueue((batch) => writeBatch(this.writers, batch));
  private readonly streamReads = new Gathered(
    (reads: readonly StreamRead[]) => this.readStreams(reads),
    STREAM_READERS,
    (reads) => reads.length >= MANY_STREAMS && reads.every(({ fromRevision }) => fromRevision === 0),
  );
  private readonly incarnationReads = new Gathered((asked: readonly true[]) => this.readIncarnation(asked.length), 1);
  private readonly notifier: CoalescedNotifier;
  private readonly followers = new Set<() => void>();
  private readonly closing = new AbortController();
  private closed: Promise<void> | null = null;

  private constructor(
    private readonly url: string,
    private readonly log: WarningLog,
    private readonly writers: Pool,
    private readonly readers: Pool,
  ) {
    this.notifier = new CoalescedNotifier(writers);
  }

  /** Connects on first use, so that a process can start before its database. */
  static connect({ url, poolSize = 4, log = { warn: () => undefined } }: PostgresEventLogOptions): PostgresEventLog {
    const writers = openPool(url, WRITERS, WRITE_TIMEOUT_MS, log);
    return new PostgresEventLog(url, log, writers, openPool(url, poolSize, READ_TIMEOUT_MS, log));
  }

  async append(stream: string, expectedRevision: number, events: readonly EventToAppend[]): Promise<Appended> {
    const appended = await this.queue.append(serialiseAppend(stream, expectedRevision, events));
    this.notifier.announce(appended.position);
    for (const ring of this.followers) ring();
    return appended;
  }

  readStream(stream: string, fromRevision = 0): Promise<StoredEvent[]> {
    // No stream has such a name, and the database would refuse those that are read with it.
    return stream.includes('\0') ? Promise.resolve([]) : this.streamReads.ask({ stream, fromRevision });
  }

  readAll(afterPosition: number, limit: number): Promise<StoredEvent[]> {
    return this.readFrom(afterPosition + 1, limit);
  }

  async head(): Promise<number> {
    const [row] = await this.read<[string]>({ name: 'head', text: 'SELECT last_position FROM event_log.head' });
    return row ? Number(row[0]) : BEFORE_START;
  }

  incarnation(): Promise<string> {
    return this.incarnationReads.ask(true);
  }

  async *follow(options: FollowOptions): AsyncGenerator<StoredEvent[]> {
    const signal = AbortSignal.any([options.signal, this.closing.signal]);
    const { url, log } = this;
    const onAppend = (ring: () => void): (() => void) => {
      this.followers.add(ring);
      return () => this.followers.delete(ring);
    };
    const source = {
      url,
      log,
      onAppend,
      readFrom: (position: number, limit: number) => this.readFrom(position, limit),
    };
    yield* followPostgres(source, { ...options, signal });
    if (!options.signal.aborted) throw new EventLogUnavailable('the event log was closed while it was followed');
  }

  close(): Promise<void> {
    this.closed ??= this.drainAndClose();
    return this.closed;
  }

  private async drainAndClose(): Promise<void> {
    this.closing.abort();
    await this.queue.close();
    await this.notifier.close();
    await Promise.all([this.writers.end(), this.readers.end()]);
  }

  private async readIncarnation(asked: number): Promise<string[]> {
    const [row] = await this.read<[string]>({ name: 'incarnation', text: 'SELECT incarnation FROM event_log.head' });
    if (!row) throw new EventLogUnavailable('event_log.head is empty: the log was not set up');
    return new Array<string>(asked).fill(row[0]);
  }

  /** What several calls want to know at once, such as how a tenant is, is read once. */
  private async readStreams(reads: readonly StreamRead[]): Promise<StoredEvent[][]> {
    const distinct = new Map(reads.map((read): [string, StreamRead] => [keyOf(read), read]));
    const asked = [...distinct.values()];
    const rows = await this.read<[no: number, ...StreamRow]>({
      name: 'read-streams',
      text: `SELECT no::int, ${STREAM_COLUMNS}
        FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS wanted(stream_name, from_revision, no)
        CROSS JOIN LATERAL (
          SELECT ${STREAM_COLUMNS} FROM event_log.event
          WHERE stream = stream_name AND revision >= from_revision ORDER BY revision
        ) found`,
      values: [asked.map(({ stream }) => stream), asked.map(({ fromRevision }) => fromRevision)],
    });
    const found = new Map(asked.map((read): [string, StoredEvent[]] => [keyOf(read), []]));
    const inOrder = [...found.values()];
    for (const [no, position, ...rest] of rows) {
      inOrder[no - 1]!.push(toStoredEvent([position, asked[no - 1]!.stream, ...rest]));
    }
    return reads.map((read) => found.get(keyOf(read))!);
  }

  private async readFrom(position: number, limit: number): Promise<StoredEvent[]> {
    const rows = await this.read<EventRow>({
      name: 'read-all',
      text: `SELECT ${EVENT_COLUMNS} FROM event_log.event WHERE position >= $1 ORDER BY position LIMIT $2`,
      values: [position, limit],
    });
    return rows.map(toStoredEvent);
  }

  private async read<Row extends unknown[]>(query: Omit<QueryArrayConfig, 'rowMode'>): Promise<Row[]> {
    if (this.closed) throw new EventLogUnavailable('the event log is closed');
    try {
      const read = () => this.readers.query<Row>({ ...query, rowMode: 'array' });
      return (await retryWhenUnreachable(READ_ATTEMPTS, read)).rows;
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new EventLogUnavailable(`cannot read the event log: ${message}`, { cause });
    }
  }
}

function keyOf({ stream, fromRevision }: StreamRead): string {
  return `${fromRevision} ${stream}`;
}

function toStoredEvent([position, stream, revision, id, type, data, personal, metadata]: EventRow): StoredEvent {
  const event = { id, type, data, metadata, stream, revision: Number(revision), position: Number(position) };
  return personal === null ? event : { ...event, personal };
}
