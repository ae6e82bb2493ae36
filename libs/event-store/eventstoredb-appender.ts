import {
  jsonEvent,
  NO_STREAM as NO_STREAM_YET,
  type AppendResult,
  type EventStoreDBClient,
} from '@eventstore/db-client';
import type { SerialisedAppend, SerialisedEvent } from './append-rules.js';
import { EventLogUnavailable, NO_STREAM, type JsonObject } from './event-log.js';
import { openClient, releaseClient } from './eventstoredb-client.js';
import { isStuckOnCapabilities, refusalOf, unavailable } from './eventstoredb-errors.js';
import type { EventStoreDbTiming } from './eventstoredb-timing.js';
import { backOffMs, pause, TimedOut, within } from './waiting.js';
import { Slots } from './eventstoredb-slots.js';
import type { WarningLog } from './postgres-connections.js';

/**
 * The client queues what its stream won't take at once, 16 requests, and when the connection breaks it rejects that
 * queue where nobody listens: 400 appends on a stalled connection gave 288 unhandled rejections, each fatal.
 */
const MOST_IN_FLIGHT = 15;
/** Answers that never came, while others did, before the connection is given up. */
const MOST_STUCK = 5;
/** Compared with the server's clock, so nothing that depends on both being right: the time limits here are ours. */
const SERVER_DEADLINE_MS = 86_400_000;
const WARNING_EVERY_MS = 1_000;

/** The log that appends. While it closes it first repeats nothing any more, then gives up what still waits. */
export interface AppendingLog {
  timing: EventStoreDbTiming;
  log: WarningLog;
  draining: AbortSignal;
  closing: AbortSignal;
}

interface Connection {
  client: EventStoreDBClient;
  slots: Slots;
  answeredAt: number;
  stuck: number;
}

const appenders = new Map<string, Appender>();

/**
 * Everybody who appends to one server in this process shares one client: the client keeps all appends of the process in
 * one place, so that disposing of one client or losing its connection rejects what is in flight on others.
 */
export class Appender {
  private users = 0;
  private warnedAt = 0;
  private connection: Connection;
  private settling: Promise<void> = Promise.resolve();
  private readonly streams = new Map<string, Promise<unknown>>();

  private constructor(
    private readonly url: string,
    private readonly log: WarningLog,
  ) {
    this.connection = this.connect();
  }

  static acquire(url: string, log: WarningLog): Appender {
    const appender = appenders.get(url) ?? new Appender(url, log);
    appenders.set(url, appender);
    appender.users++;
    return appender;
  }

  /** Whoever releases waits for no answer any more. */
  async release(): Promise<void> {
    if (--this.users > 0) return;
    if (appenders.get(this.url) === this) appenders.delete(this.url);
    this.connection.slots.close();
    await this.settling;
    await releaseClient(this.connection.client);
  }

  /** One at a time per stream, in the order of the calls: also when an earlier one must be repeated. */
  append(request: SerialisedAppend, from: AppendingLog): Promise<AppendResult> {
    const giveUpAt = performance.now() + from.timing.deadlineMs;
    const earlier = this.streams.get(request.stream);
    const run = (): Promise<AppendResult> => this.repeat(request, giveUpAt, from);
    const appended = earlier ? earlier.then(run, run) : run();
    this.streams.set(request.stream, appended);
    const forget = (): void => {
      if (this.streams.get(request.stream) === appended) this.streams.delete(request.stream);
    };
    appended.then(forget, forget);
    return appended;
  }

  private async repeat(request: SerialisedAppend, giveUpAt: number, from: AppendingLog): Promise<AppendResult> {
    const { stream, expectedRevision } = request;
    for (let attempt = 0; ; attempt++) {
      if (from.closing.aborted) throw new EventLogUnavailable('the event log is closed');
      try {
        return await this.attempt(request, giveUpAt, from.timing.attemptMs);
      } catch (error) {
        const refusal = refusalOf(error, stream, expectedRevision);
        if (refusal) throw refusal;
        const pauseMs = backOffMs(attempt);
        const last = from.draining.aborted || performance.now() + pauseMs >= giveUpAt;
        if (last) throw unavailable(`append to ${stream}`, error);
        this.warn(error, from.log);
        await pause(pauseMs, from.draining);
      }
    }
  }

  private async attempt(request: SerialisedAppend, giveUpAt: number, longestMs: number): Promise<AppendResult> {
    await this.settling;
    const { connection } = this;
    const release = await connection.slots.take(giveUpAt - performance.now());
    const startedAt = performance.now();
    const answer = send(connection.client, request);
    let stuck = false;
    const settled = (): void => {
      connection.answeredAt = performance.now();
      if (stuck) connection.stuck--;
      release();
    };
    answer.then(settled, settled);
    try {
      return await within(answer, Math.min(longestMs, giveUpAt - startedAt));
    } catch (error) {
      if (isStuckOnCapabilities(error)) this.replace(connection, error);
      if (error instanceof TimedOut) {
        stuck = true;
        connection.stuck++;
        if (connection.answeredAt < startedAt || connection.stuck >= MOST_STUCK) this.replace(connection, error);
      }
      throw error;
    }
  }

  /** Whatever is in flight on it is rejected by that, and repeated. */
  private replace(connection: Connection, err: unknown): void {
    if (this.connection !== connection) return;
    this.log.warn({ err }, 'appends get no answer; connecting anew');
    this.connection = this.connect();
    connection.slots.close();
    this.settling = releaseClient(connection.client);
  }

  /** In an outage every append fails, several times. */
  private warn(err: unknown, log: WarningLog): void {
    if (performance.now() - this.warnedAt < WARNING_EVERY_MS) return;
    this.warnedAt = performance.now();
    log.warn({ err }, 'appends fail and are repeated');
  }

  private connect(): Connection {
    const { url, log } = this;
    const client = openClient(url, (err) => log.warn({ err }, 'the event store sent a reply that nobody waits for'));
    return { client, slots: new Slots(MOST_IN_FLIGHT), answeredAt: 0, stuck: 0 };
  }
}

function send(client: EventStoreDBClient, { stream, expectedRevision, events }: SerialisedAppend) {
  return client.appendToStream(stream, events.map(toClientEvent), {
    expectedRevision: expectedRevision === NO_STREAM ? NO_STREAM_YET : BigInt(expectedRevision),
    deadline: SERVER_DEADLINE_MS,
    requiresLeader: true,
  });
}

/** Parsed again, so that the client serialises what was checked and sized, and nothing else. */
function toClientEvent({ id, type, data, personal, metadata }: SerialisedEvent) {
  const form = personal === undefined ? `{"data":${data}}` : `{"data":${data},"personal":${personal}}`;
  return jsonEvent({ id, type, data: JSON.parse(form) as JsonObject, metadata: JSON.parse(metadata) as JsonObject });
}
