import { setMaxListeners } from 'node:events';
import {
  BACKWARDS,
  END,
  ErrorType,
  FORWARDS,
  START,
  streamNameFilter,
  type AllStreamResolvedEvent,
  type AllStreamSubscription,
  type EventStoreDBClient,
  type ReadPosition,
  type ResolvedEvent,
  type StreamingRead,
} from '@eventstore/db-client';
import { BEFORE_START, EventLogUnavailable, LogRestored, type StoredEvent } from './event-log.js';
import { openClient, releaseClient } from './eventstoredb-client.js';
import { errorType, permanentFailureOf, unavailable } from './eventstoredb-errors.js';
import { FOLLOWED_STREAMS, toNumber, toPosition, toStoredEvent } from './eventstoredb-records.js';
import type { EventStoreDbTiming } from './eventstoredb-timing.js';
import { backOffMs, pause, TimedOut } from './waiting.js';
import type { WarningLog } from './postgres-connections.js';

export interface ReaderOptions {
  url: string;
  log: WarningLog;
  timing: EventStoreDbTiming;
  closing: AbortSignal;
}

type OpenRead<T> = (client: EventStoreDBClient) => StreamingRead<T>;

const LARGEST_PAGE = 4_096;
/** System events expected between ours; where there are more, the next pages grow. */
const ALLOWANCE = 6;
/** Three times as fast as the client's default of 16 for 256 events, as all that is read is kept anyway. */
const BUFFERED = { highWaterMark: 1_024 };
/** Events that the server looks through between two checkpoints, which nobody here needs. */
const SEARCH_WINDOW = 1_000;

interface Connection {
  client: EventStoreDBClient;
  /** Aborted before the client is disposed of: the reads that this cancels look as if they came to their end. */
  gone: AbortController;
  heardAt: number;
}

/** Reads and subscriptions of one log, on a connection of their own. */
export class Reader {
  private connection: Connection;

  constructor(private readonly options: ReaderOptions) {
    this.connection = this.connect();
    options.closing.addEventListener('abort', () => this.connection.gone.abort(), { once: true });
  }

  async readStream(stream: string, fromRevision: number, maxCount?: number): Promise<ResolvedEvent[]> {
    const from = { fromRevision: BigInt(fromRevision), requiresLeader: true, ...(maxCount && { maxCount }) };
    try {
      return await this.read(stream, (client) => client.readStream(stream, from, BUFFERED), ErrorType.STREAM_NOT_FOUND);
    } catch (error) {
      if (errorType(error) === ErrorType.STREAM_NOT_FOUND) return [];
      throw error;
    }
  }

  /** Events of ours from `position` on, inclusive; BEFORE_START for the first. */
  async readFrom(position: number, limit: number): Promise<StoredEvent[]> {
    const ours: StoredEvent[] = [];
    let seen = BEFORE_START;
    for (let from = position, maxCount = limit + ALLOWANCE; ; from = seen, maxCount *= 2) {
      maxCount = Math.min(LARGEST_PAGE, maxCount);
      const page = await this.readPage(from, maxCount);
      for (const resolved of page) {
        // A page begins with the event at which the one before ended.
        const at = toNumber(resolved.event?.position);
        const event = at > seen ? toStoredEvent(resolved) : null;
        seen = at;
        if (event) ours.push(event);
        if (ours.length === limit) return ours;
      }
      if (page.length < maxCount) return ours;
    }
  }

  async head(): Promise<number> {
    let from: number | null = null;
    for (let maxCount = ALLOWANCE; ; maxCount = Math.min(LARGEST_PAGE, maxCount * 4)) {
      const fromPosition = from === null ? END : toPosition(from);
      const page: AllStreamResolvedEvent[] = await this.read('$all', (client) =>
        client.readAll({ direction: BACKWARDS, fromPosition, maxCount, requiresLeader: true }, BUFFERED),
      );
      const last = page.map(toStoredEvent).find((event) => event !== null);
      if (last) return last.position;
      if (page.length < maxCount) return BEFORE_START;
      from = toNumber(page.at(-1)?.event?.position);
    }
  }

  subscribe(afterPosition: number, buffered: number): AllStreamSubscription {
    return this.connection.client.subscribeToAll(
      {
        fromPosition: afterPosition < 0 ? START : toPosition(afterPosition),
        filter: streamNameFilter({ regex: FOLLOWED_STREAMS, maxSearchWindow: SEARCH_WINDOW }),
        requiresLeader: true,
      },
      { highWaterMark: buffered },
    );
  }

  close(): Promise<void> {
    return releaseClient(this.connection.client);
  }

  /**
   * A position at which no event begins was given by another log, or by this one before it was restored: the server
   * says `unknown` then, as it does in passing trouble, so something else must be readable in between.
   */
  private async readPage(from: number, maxCount: number): Promise<AllStreamResolvedEvent[]> {
    if (from < 0) return this.readForwards(START, maxCount);
    for (let unknown = 0; ; unknown++) {
      try {
        return await this.readForwards(toPosition(from), maxCount, ErrorType.UNKNOWN);
      } catch (error) {
        if (errorType(error) !== ErrorType.UNKNOWN) throw error;
        if (unknown > 0) throw new LogRestored(`no event begins at position ${from} of this log`, { cause: error });
        await this.readForwards(START, 1);
      }
    }
  }

  private readForwards(fromPosition: ReadPosition, maxCount: number, notRepeated?: ErrorType) {
    return this.read<AllStreamResolvedEvent>(
      '$all',
      (client) => client.readAll({ direction: FORWARDS, fromPosition, maxCount, requiresLeader: true }, BUFFERED),
      notRepeated,
    );
  }

  private async read<T>(what: string, open: OpenRead<T>, notRepeated?: ErrorType): Promise<T[]> {
    const { closing, timing } = this.options;
    const giveUpAt = performance.now() + timing.deadlineMs;
    for (let attempt = 0; ; attempt++) {
      if (closing.aborted) throw new EventLogUnavailable('the event log is closed');
      try {
        return await this.collect(open);
      } catch (error) {
        if (notRepeated && errorType(error) === notRepeated) throw error;
        const failure = permanentFailureOf(error, what);
        if (failure) throw failure;
        const pauseMs = backOffMs(attempt);
        if (performance.now() + pauseMs >= giveUpAt) throw unavailable(`read ${what}`, error);
        await pause(pauseMs, closing);
      }
    }
  }

  private async collect<T>(open: OpenRead<T>): Promise<T[]> {
    const { connection } = this;
    const startedAt = performance.now();
    const stream = open(connection.client);
    try {
      stream.on('data', () => (connection.heardAt = performance.now()));
      return await collected(stream, this.options.timing.attemptMs, connection.gone.signal);
    } catch (error) {
      stream.cancel().catch(() => undefined);
      // One slow read on a connection that works isn't helped by breaking the others.
      if (error instanceof TimedOut && connection.heardAt < startedAt) this.replace(connection, error);
      throw error;
    }
  }

  /** Subscriptions on it end, and are made anew by whoever follows. */
  private replace(connection: Connection, why: Error): void {
    if (this.connection !== connection || this.options.closing.aborted) return;
    this.options.log.warn({ err: why }, 'reads get no answer; connecting anew');
    this.connection = this.connect();
    connection.gone.abort();
    void releaseClient(connection.client);
  }

  private connect(): Connection {
    const { url, log } = this.options;
    const client = openClient(url, (err) => log.warn({ err }, 'the event store sent what nobody waits for'));
    const gone = new AbortController();
    // Every read listens.
    setMaxListeners(0, gone.signal);
    return { client, gone, heardAt: 0 };
  }
}

/** The errors of these streams come late and more than once; one without a listener would end the process. */
function collected<T>(stream: StreamingRead<T>, longestSilenceMs: number, gone: AbortSignal): Promise<T[]> {
  stream.on('error', () => undefined);
  return new Promise((resolve, reject) => {
    const all: T[] = [];
    const giveUp = (why: string) => settle(() => reject(new TimedOut(why)));
    const stop = (): void => giveUp('the connection was given up');
    const timer = setTimeout(() => giveUp(`nothing read for ${longestSilenceMs} ms`), longestSilenceMs);
    const settle = (answer: () => void): void => {
      clearTimeout(timer);
      gone.removeEventListener('abort', stop);
      answer();
    };
    if (gone.aborted) return stop();
    gone.addEventListener('abort', stop, { once: true });
    stream.on('data', (item: T) => {
      all.push(item);
      timer.refresh();
    });
    stream.on('end', () => settle(() => resolve(all)));
    stream.on('error', (error) => settle(() => reject(error)));
  });
}
