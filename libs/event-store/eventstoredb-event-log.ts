import { setMaxListeners } from 'node:events';
import type { AppendResult, ResolvedEvent } from '@eventstore/db-client';
import { systemIds } from '../platform/core.js';
import { serialiseAppend, type SerialisedAppend } from './append-rules.js';
import {
  BEFORE_START,
  EventLogUnavailable,
  NO_STREAM,
  RevisionConflict,
  type Appended,
  type EventLog,
  type EventToAppend,
  type FollowOptions,
  type StoredEvent,
} from './event-log.js';
import { Appender, type AppendingLog } from './eventstoredb-appender.js';
import { followEventStoreDb } from './eventstoredb-follower.js';
import { Reader } from './eventstoredb-reader.js';
import { IDENTITY_STREAM, IDENTITY_TYPE, isHidden, toNumber, toStoredEvent } from './eventstoredb-records.js';
import { DEFAULT_TIMING, type EventStoreDbTiming } from './eventstoredb-timing.js';
import { unlessAborted, within } from './waiting.js';
import type { WarningLog } from './postgres-connections.js';

export interface EventStoreDbOptions {
  /** `esdb://host:2113?tls=false`, or `esdb+discover://…` for a cluster. */
  url: string;
  log?: WarningLog;
  timing?: Partial<EventStoreDbTiming>;
}

const NIL_UUID = '00000000-0000-0000-0000-000000000000';

/** The log in EventStoreDB; a position is the commit position of the server's $all, in which it has gaps. */
export class EventStoreDbEventLog implements EventLog {
  private readonly appends = new Set<Promise<unknown>>();
  private readonly draining = new AbortController();
  private readonly closing = new AbortController();
  private readonly appender: Appender;
  private readonly reader: Reader;
  private readonly appending: AppendingLog;
  private identified: Promise<unknown> | null = null;
  private closed: Promise<void> | null = null;

  private constructor(
    url: string,
    private readonly log: WarningLog,
    private readonly timing: EventStoreDbTiming,
  ) {
    const [draining, closing] = [this.draining.signal, this.closing.signal];
    // Every append, read and follower listens.
    setMaxListeners(0, draining, closing);
    this.reader = new Reader({ url, log, timing, closing });
    this.appender = Appender.acquire(url, log);
    this.appending = { log, timing, draining, closing };
  }

  /** Connects on first use, so that a process can start before its event store. */
  static connect({ url, log = { warn: () => undefined }, timing = {} }: EventStoreDbOptions): EventStoreDbEventLog {
    return new EventStoreDbEventLog(url, log, { ...DEFAULT_TIMING, ...timing });
  }

  async append(stream: string, expectedRevision: number, events: readonly EventToAppend[]): Promise<Appended> {
    const request = serialiseAppend(stream, expectedRevision, events);
    refuseWhatIsHidden(request);
    this.refuseWhenClosed();
    const answer = unlessAborted(this.appendIdentified(request), this.closing.signal);
    this.appends.add(answer);
    try {
      const appended = await answer;
      if (appended) return appended;
      throw new EventLogUnavailable('the event log was closed before it had an answer');
    } finally {
      this.appends.delete(answer);
    }
  }

  async readStream(stream: string, fromRevision = 0): Promise<StoredEvent[]> {
    return (await this.reader.readStream(stream, fromRevision)).flatMap((event) => toStoredEvent(event) ?? []);
  }

  async readAll(afterPosition: number, limit: number): Promise<StoredEvent[]> {
    if (limit <= 0) return [];
    if (afterPosition < 0) return this.reader.readFrom(BEFORE_START, limit);
    const events = await this.reader.readFrom(afterPosition, limit + 1);
    return events.filter(({ position }) => position > afterPosition).slice(0, limit);
  }

  head(): Promise<number> {
    return this.reader.head();
  }

  /** Whoever asks first gives the log its identity. */
  async incarnation(): Promise<string> {
    for (;;) {
      const [first] = await this.reader.readStream(IDENTITY_STREAM, 0, 1);
      if (first) return identityIn(first);
      this.refuseWhenClosed();
      try {
        await this.appender.append(identityOf(systemIds.uuid()), this.appending);
      } catch (error) {
        if (!(error instanceof RevisionConflict)) throw error;
      }
    }
  }

  async *follow(options: FollowOptions): AsyncGenerator<StoredEvent[]> {
    this.refuseWhenClosed();
    const { reader, log } = this;
    const signal = AbortSignal.any([options.signal, this.closing.signal]);
    yield* followEventStoreDb({ reader, log, silenceMs: this.timing.silenceMs }, { ...options, signal });
    if (!options.signal.aborted) throw new EventLogUnavailable('the event log was closed while it was followed');
  }

  close(): Promise<void> {
    this.closed ??= this.drainAndClose();
    return this.closed;
  }

  private async drainAndClose(): Promise<void> {
    this.draining.abort();
    // One attempt lasts no longer; what still waits for its turn by then is rejected.
    await within(Promise.allSettled(this.appends), this.timing.attemptMs).catch(() => undefined);
    this.closing.abort();
    await Promise.all([this.appender.release(), this.reader.close()]);
  }

  /** The log has its identity before its first event of ours, so that no restored copy of it is without. */
  private async appendIdentified(request: SerialisedAppend): Promise<Appended> {
    this.identified ??= this.incarnation();
    await this.identified.catch((error: unknown) => {
      this.identified = null;
      throw error;
    });
    const { stream } = request;
    const result = await this.appender.append(request, this.appending);
    const revision = Number(result.nextExpectedRevision);
    return { revision, position: positionIn(result) ?? (await this.positionOf(stream, revision)) };
  }

  private async positionOf(stream: string, revision: number): Promise<number> {
    const [resolved] = await this.reader.readStream(stream, revision, 1);
    return toNumber(resolved?.event?.position);
  }

  private refuseWhenClosed(): void {
    if (this.closed) throw new EventLogUnavailable('the event log is closed');
  }
}

/** Of the last event of the append, also where it only repeats an earlier one; the server may leave it out then. */
function positionIn({ position }: AppendResult): number | null {
  return position && position.commit <= BigInt(Number.MAX_SAFE_INTEGER) ? toNumber(position) : null;
}

function refuseWhatIsHidden({ stream, events }: SerialisedAppend): void {
  for (const { id, type } of events) {
    if (isHidden(stream, type)) throw new TypeError(`no follower would see '${type}' in '${stream}'`);
    // The server answers this one twice, as it does all that it takes for no id.
    if (id === NIL_UUID) throw new TypeError('the nil UUID is no id of an event');
  }
}

function identityOf(incarnation: string): SerialisedAppend {
  const event = { id: incarnation, type: IDENTITY_TYPE, data: JSON.stringify({ incarnation }), personal: undefined };
  const metadata = '{}';
  return { stream: IDENTITY_STREAM, expectedRevision: NO_STREAM, events: [{ ...event, metadata }], bytes: 0 };
}

function identityIn({ event }: ResolvedEvent): string {
  const { incarnation } = (event?.data as { data?: { incarnation?: unknown } } | undefined)?.data ?? {};
  if (typeof incarnation === 'string') return incarnation;
  throw new EventLogUnavailable(`the first event of ${IDENTITY_STREAM} doesn't name the log`);
}
