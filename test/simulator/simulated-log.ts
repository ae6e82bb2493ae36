import { type SerialisedAppend, serialiseAppend } from '../../libs/event-store/append-rules.js';
import {
  type Appended,
  BEFORE_START,
  type Checkpoint,
  type EventLog,
  EventLogUnavailable,
  type EventToAppend,
  type FollowOptions,
  LogRestored,
  RevisionConflict,
  type StoredEvent,
} from '../../libs/event-store/index.js';
import { currentFlow, inFlow } from './flows.js';

/** The log itself, in memory: all that was appended, whoever did it. */
export class SimulatedLog {
  readonly incarnation: string;
  events: StoredEvent[] = [];
  private streams = new Map<string, StoredEvent[]>();
  private readonly waiting = new Set<() => void>();

  constructor(incarnation: string) {
    this.incarnation = incarnation;
  }

  get head(): number {
    return this.events.at(-1)?.position ?? BEFORE_START;
  }

  append({ stream, expectedRevision, events }: SerialisedAppend): Appended {
    const stored = this.streams.get(stream) ?? [];
    const before = stored.slice(expectedRevision + 1, expectedRevision + 1 + events.length);
    if (before.length === events.length && before.every(({ id }, index) => id === events[index]!.id)) {
      const { revision, position } = before.at(-1)!;
      return { revision, position };
    }
    const revision = stored.length - 1;
    const held = new Set(stored.map(({ id }) => id));
    if (expectedRevision !== revision || events.some(({ id }) => held.has(id))) {
      throw new RevisionConflict(stream, expectedRevision, revision);
    }
    for (const { id, type, data, personal, metadata } of events) {
      const place = { stream, revision: stored.length, position: this.events.length };
      const event = {
        ...{ id, type, data: JSON.parse(data), metadata: JSON.parse(metadata), ...place },
        ...(personal !== undefined && { personal: JSON.parse(personal) }),
      } as StoredEvent;
      stored.push(deepFreeze(event));
      this.events.push(event);
    }
    this.streams.set(stream, stored);
    for (const tell of [...this.waiting]) tell();
    return { revision: stored.length - 1, position: this.head };
  }

  readStream(stream: string, fromRevision: number): StoredEvent[] {
    return (this.streams.get(stream) ?? []).slice(fromRevision);
  }

  readAll(afterPosition: number, limit: number): StoredEvent[] {
    return this.events.slice(afterPosition + 1, afterPosition + 1 + limit);
  }

  /** As after restoring a backup: nothing later than the event at `position` ever was. */
  restoreTo(position: number): void {
    const kept = this.events.slice(0, position + 1);
    this.events = [];
    this.streams = new Map();
    for (const event of kept) {
      this.events.push(event);
      this.streams.set(event.stream, [...(this.streams.get(event.stream) ?? []), event]);
    }
  }

  /** Tells of every append from now on. @returns ends that */
  onAppended(tell: () => void): () => void {
    this.waiting.add(tell);
    return () => void this.waiting.delete(tell);
  }
}

/** Does what a client asks of the log: at once, or after whatever the way there brings. */
export type CarryToLog = <T>(label: string, effect: () => T) => Promise<T>;
/** Tells a client that something was appended: soon, late or never. */
export type TellClient = (tell: () => void) => void;

const POLL_MS = 1_000;
const RETRY_MS = 100;

/** A client of the log. */
export class SimulatedLogClient implements EventLog {
  private readonly closing = new AbortController();

  constructor(
    private readonly store: SimulatedLog,
    private readonly carry: CarryToLog = async (_label, effect) => effect(),
    private readonly tell: TellClient = (tell) => tell(),
  ) {}

  async append(stream: string, expectedRevision: number, events: readonly EventToAppend[]): Promise<Appended> {
    const append = serialiseAppend(stream, expectedRevision, events);
    if (this.closing.signal.aborted) throw new EventLogUnavailable('the event log is closed');
    const types = events.map(({ type }) => type).join(', ');
    return this.carry(`append ${types} to ${stream} after ${expectedRevision}`, () => this.store.append(append));
  }

  readStream(stream: string, fromRevision = 0): Promise<StoredEvent[]> {
    return this.carry(`read ${stream} from ${fromRevision}`, () => this.store.readStream(stream, fromRevision));
  }

  readAll(afterPosition: number, limit: number): Promise<StoredEvent[]> {
    return this.carry(`read all after ${afterPosition}`, () => this.store.readAll(afterPosition, limit));
  }

  head(): Promise<number> {
    return this.carry('head', () => this.store.head);
  }

  async incarnation(): Promise<string> {
    return this.store.incarnation;
  }

  async *follow({ after, maxBatch, signal }: FollowOptions): AsyncGenerator<StoredEvent[]> {
    const ended = AbortSignal.any([signal, this.closing.signal]);
    let checkpoint = after;
    while (!ended.aborted) {
      const [events, news] = [await this.readAfter(checkpoint, maxBatch, ended), this.news(ended)];
      if (ended.aborted) break;
      const last = events.at(-1);
      if (last) {
        yield events;
        checkpoint = { position: last.position, eventId: last.id };
      } else await news();
    }
    if (!signal.aborted) throw new EventLogUnavailable('the event log was closed while it was followed');
  }

  async close(): Promise<void> {
    this.closing.abort();
  }

  private async readAfter(checkpoint: Checkpoint | null, limit: number, ended: AbortSignal): Promise<StoredEvent[]> {
    const label = `follow after ${checkpoint?.position ?? 'nothing'}`;
    while (!ended.aborted) {
      try {
        return await this.carry(label, () => {
          const seen = checkpoint && this.store.events[checkpoint.position];
          if (checkpoint && seen?.id !== checkpoint.eventId) throw new LogRestored('the log was restored');
          return this.store.readAll(checkpoint?.position ?? BEFORE_START, limit);
        });
      } catch (error) {
        if (error instanceof LogRestored) throw error;
        await sleep(RETRY_MS, ended);
      }
    }
    return [];
  }

  /** @returns waits until something was appended after this call, for a while at the longest */
  private news(ended: AbortSignal): () => Promise<void> {
    const flow = currentFlow();
    let came = false;
    let wake = (): void => undefined;
    const come = (): void => {
      came = true;
      wake();
    };
    const told = (): void => (flow ? inFlow(flow, () => this.tell(come)) : this.tell(come));
    const forget = this.store.onAppended(told);
    const wait = (): Promise<void> => (came ? Promise.resolve() : sleep(POLL_MS, ended, (done) => (wake = done)));
    return () => wait().finally(forget);
  }
}

function sleep(
  milliseconds: number,
  signal: AbortSignal,
  early: (done: () => void) => void = () => undefined,
): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done, { once: true });
    early(done);
  });
}

/** What is stored does not change, whatever becomes of it in the hands of who reads it. */
function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const member of Object.values(value)) deepFreeze(member);
  return Object.freeze(value);
}
