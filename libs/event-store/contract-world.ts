import { randomUUID } from 'node:crypto';
import type { EventLogHarness, RunningStore } from './event-log.contract.js';
import {
  BEFORE_START,
  EventLogUnavailable,
  type Appended,
  type Checkpoint,
  type EventLog,
  type EventToAppend,
  type StoredEvent,
} from './event-log.js';

export interface FollowTest {
  after?: Checkpoint | null;
  maxBatch?: number;
  /** Awaited before the next batch is asked for: a slow consumer. */
  onBatch?(batch: readonly StoredEvent[]): Promise<void>;
}

/** A follower at work, and what it saw of this suite's own streams. */
export class Following {
  readonly seen: StoredEvent[] = [];
  readonly batchSizes: number[] = [];
  /** Resolves when the iteration ended without an error. */
  readonly ended: Promise<void>;
  private readonly stopping = new AbortController();
  private changed: () => void = () => undefined;

  constructor(log: EventLog, isOurs: (event: StoredEvent) => boolean, test: FollowTest) {
    this.ended = this.run(log, isOurs, test);
    this.ended.catch(() => undefined);
  }

  /** Waits until the condition holds; rejects when the follower ends first. */
  async until(condition: (seen: readonly StoredEvent[]) => boolean): Promise<void> {
    const endedEarly = this.ended.then(() => Promise.reject(new Error('the follower ended')));
    endedEarly.catch(() => undefined);
    while (!condition(this.seen)) {
      const change = new Promise<void>((resolve) => (this.changed = resolve));
      await Promise.race([change, endedEarly]);
    }
  }

  untilSeen(events: readonly { id: string }[]): Promise<void> {
    return this.until((seen) => {
      const ids = new Set(seen.map(({ id }) => id));
      return events.every(({ id }) => ids.has(id));
    });
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.ended;
  }

  private async run(log: EventLog, isOurs: (event: StoredEvent) => boolean, test: FollowTest): Promise<void> {
    const { after = null, maxBatch = 100, onBatch } = test;
    for await (const batch of log.follow({ after, maxBatch, signal: this.stopping.signal })) {
      this.batchSizes.push(batch.length);
      this.seen.push(...batch.filter(isOurs));
      this.changed();
      await onBatch?.(batch);
    }
  }
}

/** One store for a suite, fresh stream names, and clients and followers that are closed after each test. */
export class ContractWorld {
  private readonly prefix = `contract-${randomUUID()}`;
  private streams = 0;
  private running: RunningStore | null = null;
  private clients: EventLog[] = [];
  private followers: Following[] = [];

  constructor(private readonly harness: EventLogHarness) {}

  get store(): RunningStore {
    if (!this.running) throw new Error('the store is not running');
    return this.running;
  }

  async start(): Promise<void> {
    this.running = await this.harness.start();
  }

  async stop(): Promise<void> {
    await this.running?.stop();
  }

  async open(): Promise<EventLog> {
    const log = await this.store.open();
    this.clients.push(log);
    return log;
  }

  async closeClients(): Promise<void> {
    const [clients, followers] = [this.clients, this.followers];
    this.clients = [];
    this.followers = [];
    await Promise.allSettled(followers.map((follower) => follower.stop()));
    await Promise.all(clients.map((log) => log.close()));
  }

  newStream(): string {
    return `${this.prefix}-${++this.streams}`;
  }

  readonly isOurs = (event: StoredEvent): boolean => event.stream.startsWith(this.prefix);

  follow(log: EventLog, test: FollowTest = {}): Following {
    const following = new Following(log, this.isOurs, test);
    this.followers.push(following);
    return following;
  }

  /** Our events after a position, read page by page. */
  async readOurs(log: EventLog, after: number = BEFORE_START, pageSize = 500): Promise<StoredEvent[]> {
    const ours: StoredEvent[] = [];
    for (let position = after; ;) {
      const page = await log.readAll(position, pageSize);
      ours.push(...page.filter(this.isOurs));
      const last = page.at(-1);
      if (!last || page.length < pageSize) return ours;
      position = last.position;
    }
  }
}

export function checkpointAt(event: StoredEvent): Checkpoint {
  return { position: event.position, eventId: event.id };
}

/** Repeats with the same ids while the outcome is unknown, as every caller of the port does. */
export async function appendSurely(
  log: EventLog,
  stream: string,
  expectedRevision: number,
  events: readonly EventToAppend[],
): Promise<Appended> {
  for (const giveUp = Date.now() + 30_000; ;) {
    try {
      return await log.append(stream, expectedRevision, events);
    } catch (error) {
      if (!(error instanceof EventLogUnavailable) || Date.now() > giveUp) throw error;
    }
  }
}
