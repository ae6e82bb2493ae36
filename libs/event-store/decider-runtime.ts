import { LRUCache } from 'lru-cache';
import { ContextValue, Refused } from '../platform/core.js';
import { type CommandContext, toAppend } from './command-context.js';
import type { Decider, Decision, DomainEvent, Recorded, Refusal } from './domain-event.js';
import { type EventLog, BEFORE_START, NO_STREAM, RevisionConflict, type StoredEvent } from './event-log.js';
import type { EventRegistry } from './event-registry.js';
import { KeyedLock } from './keyed-lock.js';

export interface Loaded<State> {
  state: State;
  /** Of the stream, NO_STREAM when it does not exist. */
  revision: number;
  /** Of the stream's last event, BEFORE_START when it does not exist. */
  position: number;
}

export interface Outcome<State, E extends DomainEvent = DomainEvent> extends Loaded<State> {
  /** What this command put into the stream, now or the first time. */
  events: Recorded<E>[];
}

/** What is known of the commands that run together. */
interface Run {
  /** Whether one of them put something into the log, now or the first time. */
  acted: boolean;
  /** The position that the log is taken to end with. */
  upTo?: number;
}

export interface Execution<State, E extends DomainEvent> {
  stream: string;
  decider: Decider<State, E>;
  tenantId: string | null;
  context: CommandContext;
  decide: (state: State) => Decision<E>;
}

interface Snapshot extends Loaded<unknown> {
  /** Command id → stream revision of its last event; snapshots of a stream share it, as it only grows. */
  commands: Map<string, number>;
}

const CACHED_STREAMS = 20_000;
const MAX_CONFLICTS = 20;

/** Load, fold, decide, append, and again on a conflict. */
export class DeciderRuntime {
  private snapshots: LRUCache<string, Snapshot>;
  private readonly lock = new KeyedLock();
  /** Reads that were asked for in this turn of the event loop. */
  private readonly asked = new Map<string, Promise<Snapshot>>();
  private readonly runs = new ContextValue<Run>();

  constructor(
    private readonly log: EventLog,
    private readonly registry: EventRegistry,
    private readonly cachedStreams = CACHED_STREAMS,
  ) {
    this.snapshots = new LRUCache({ max: cachedStreams });
  }

  /** Reads states anew that may hold personal fields of somebody who was erased. */
  forgetStates(): void {
    this.snapshots = new LRUCache({ max: this.cachedStreams });
  }

  /** Runs commands. @returns also whether they put anything into the log, now or the first time */
  async watch<Result>(run: () => Promise<Result>): Promise<{ result: Result; acted: boolean }> {
    const watched: Run = { acted: false };
    const result = await this.runs.run(watched, run);
    return { result, acted: watched.acted };
  }

  /**
   * Runs commands on the log as it stood at a position.
   * @throws Refused `idempotency-key-reused` where one of them would put something into it
   */
  asItStood<Result>(position: number, run: () => Promise<Result>): Promise<Result> {
    return this.runs.run({ acted: false, upTo: position }, run);
  }

  /** The state of a stream as of now, read from the log. */
  load<State, E extends DomainEvent>(stream: string, decider: Decider<State, E>): Promise<Loaded<State>> {
    const upTo = this.runs.get()?.upTo;
    if (upTo !== undefined) return this.at(stream, decider, upTo);
    return this.refresh(stream, decider) as Promise<Loaded<unknown>> as Promise<Loaded<State>>;
  }

  /** The state as far as this process has looked; undefined where it has not. */
  seen<State, E extends DomainEvent>(stream: string, decider: Decider<State, E>): Loaded<State> | undefined {
    if (this.runs.get()?.upTo !== undefined) return undefined;
    return this.snapshots.get(cacheKey(stream, decider)) as Loaded<State> | undefined;
  }

  /** The state right after a command's events: the first answer of what follows from another command. Else as of now. */
  async asOf<State, E extends DomainEvent>(
    stream: string,
    decider: Decider<State, E>,
    commandId: string,
  ): Promise<Loaded<State>> {
    const snapshot = await this.refresh(stream, decider);
    const revision = snapshot.commands.get(commandId);
    if (revision === undefined) return this.at(stream, decider, Infinity);
    if (revision === snapshot.revision) return snapshot as Loaded<State>;
    const events = await this.eventsUpTo<E>(stream, revision);
    return { state: fold(decider, decider.initial, events), revision, position: events.at(-1)!.position };
  }

  /** The state as it stood at a position of the log. */
  async at<State, E extends DomainEvent>(
    stream: string,
    decider: Decider<State, E>,
    asked: number,
  ): Promise<Loaded<State>> {
    const position = Math.min(asked, this.runs.get()?.upTo ?? Infinity);
    const snapshot = await this.refresh(stream, decider);
    if (snapshot.position <= position) return snapshot as Loaded<State>;
    const events = (await this.eventsUpTo<E>(stream, snapshot.revision)).filter((event) => event.position <= position);
    const { revision, position: last } = events.at(-1) ?? { revision: NO_STREAM, position: BEFORE_START };
    return { state: fold(decider, decider.initial, events), revision, position: last };
  }

  /**
   * What a command put into a stream the first time; undefined where it has not.
   * @param asSeen looks no further than this process has looked before
   */
  async repeated<State, E extends DomainEvent>(
    stream: string,
    decider: Decider<State, E>,
    commandId: string,
    { asSeen = false } = {},
  ): Promise<Outcome<State, E> | undefined> {
    const seen = asSeen ? this.snapshots.get(cacheKey(stream, decider)) : undefined;
    const revision = (seen ?? (await this.refresh(stream, decider))).commands.get(commandId);
    return revision === undefined ? undefined : this.firstOutcome({ stream, decider, commandId }, revision);
  }

  /** @throws Refused by the decider, or `too-much-contention` when other processes keep changing the stream */
  execute<State, E extends DomainEvent>(execution: Execution<State, E>): Promise<Outcome<State, E>> {
    return this.lock.run(execution.stream, () => this.executeLocked(execution));
  }

  private async executeLocked<State, E extends DomainEvent>(x: Execution<State, E>): Promise<Outcome<State, E>> {
    if (this.runs.get()?.upTo !== undefined) return this.executeInPast(x);
    const cached = this.snapshots.get(cacheKey(x.stream, x.decider));
    let snapshot = cached ?? (await this.refresh(x.stream, x.decider));
    let fresh = cached === undefined;
    for (let conflicts = 0; conflicts <= MAX_CONFLICTS;) {
      const repeated = snapshot.commands.get(x.context.commandId);
      if (repeated !== undefined) return this.firstOutcome({ ...x, commandId: x.context.commandId }, repeated);
      const decision = x.decide(snapshot.state as State);
      if (!fresh && (isRefusal(decision) || decision.length === 0)) {
        // Only an append proves that a cached state was current.
        snapshot = await this.refresh(x.stream, x.decider);
        fresh = true;
        continue;
      }
      if (isRefusal(decision)) throw asRefused(decision);
      if (decision.length === 0) return { ...(snapshot as Loaded<State>), events: [] };
      try {
        return await this.append(x, snapshot, decision);
      } catch (error) {
        if (!(error instanceof RevisionConflict)) {
          // Whether it was stored is not known: the next look decides.
          this.snapshots.delete(cacheKey(x.stream, x.decider));
          throw error;
        }
        conflicts++;
        snapshot = await this.refresh(x.stream, x.decider);
        fresh = true;
      }
    }
    throw new Refused('too-much-contention');
  }

  private async executeInPast<State, E extends DomainEvent>(x: Execution<State, E>): Promise<Outcome<State, E>> {
    const first = await this.repeated(x.stream, x.decider, x.context.commandId);
    if (first) return first;
    const then = await this.load(x.stream, x.decider);
    const decision = x.decide(then.state);
    if (isRefusal(decision)) throw asRefused(decision);
    if (decision.length === 0) return { ...then, events: [] };
    throw new Refused('idempotency-key-reused', 'the call changed nothing when it first came, and would now');
  }

  private async append<State, E extends DomainEvent>(
    x: Execution<State, E>,
    snapshot: Snapshot,
    decision: readonly E[],
  ): Promise<Outcome<State, E>> {
    this.registry.requireKnown(decision);
    const sealed = await this.registry.seal(toAppend(x.stream, decision, x.context, x.tenantId));
    const { position } = await this.log.append(x.stream, snapshot.revision, sealed);
    this.noteActed();
    const stored = sealed.map((event, index) => {
      return { ...event, stream: x.stream, revision: snapshot.revision + 1 + index, position };
    });
    const events = await this.decoded<E>(stored);
    const next = this.remember(x.stream, x.decider, snapshot, events);
    return { ...(next as Loaded<State>), events };
  }

  /** The answer a command got the first time, whatever happened since. */
  private async firstOutcome<State, E extends DomainEvent>(
    { stream, decider, commandId }: { stream: string; decider: Decider<State, E>; commandId: string },
    revision: number,
  ): Promise<Outcome<State, E>> {
    this.noteActed();
    const events = await this.eventsUpTo<E>(stream, revision);
    const state = fold(decider, decider.initial, events);
    return {
      state,
      revision,
      position: events.at(-1)?.position ?? BEFORE_START,
      events: events.filter((event) => event.metadata.commandId === commandId),
    };
  }

  private noteActed(): void {
    const run = this.runs.get();
    if (run) run.acted = true;
  }

  private async eventsUpTo<E extends DomainEvent>(stream: string, revision: number): Promise<Recorded<E>[]> {
    const stored = await this.log.readStream(stream, 0);
    return this.decoded(stored.filter((event) => event.revision <= revision));
  }

  private async decoded<E extends DomainEvent>(stored: readonly StoredEvent[]): Promise<Recorded<E>[]> {
    return stored.map(await this.registry.decoderOf(stored)) as Recorded<E>[];
  }

  /** Read once for all who ask in the same turn: the calls that a round of reads has answered ask for the same tenant. */
  private refresh<State, E extends DomainEvent>(stream: string, decider: Decider<State, E>): Promise<Snapshot> {
    const key = cacheKey(stream, decider);
    const asked = this.asked.get(key);
    if (asked) return asked;
    if (this.asked.size === 0) process.nextTick(() => this.asked.clear());
    const read = this.readOn(key, stream, decider);
    this.asked.set(key, read);
    return read;
  }

  private async readOn<State, E extends DomainEvent>(
    key: string,
    stream: string,
    decider: Decider<State, E>,
  ): Promise<Snapshot> {
    const cached = this.snapshots.get(key);
    const base: Snapshot = cached ?? {
      state: decider.initial,
      revision: NO_STREAM,
      position: BEFORE_START,
      commands: new Map(),
    };
    const stored = await this.log.readStream(stream, base.revision + 1);
    // What this turn puts there is not in it.
    this.asked.delete(key);
    if (stored.length === 0) {
      // That a stream is not there is worth knowing too: the first append to it then needs no second look.
      if (!cached && !this.snapshots.has(key)) this.snapshots.set(key, base);
      return base;
    }
    return this.remember(stream, decider, base, await this.decoded<E>(stored));
  }

  private remember<State, E extends DomainEvent>(
    stream: string,
    decider: Decider<State, E>,
    base: Snapshot,
    events: readonly Recorded<E>[],
  ): Snapshot {
    const last = events.at(-1)!;
    const { commands } = base;
    for (const event of events) commands.set(event.metadata.commandId, event.revision);
    const state = fold(decider, base.state as State, events);
    const snapshot = { state, revision: last.revision, position: last.position, commands };
    this.snapshots.set(cacheKey(stream, decider), snapshot);
    return snapshot;
  }
}

function fold<State, E extends DomainEvent>(
  decider: Decider<State, E>,
  state: State,
  events: readonly Recorded<E>[],
): State {
  return events.reduce((folded, event) => decider.evolve(folded, event, event.position), state);
}

function cacheKey(stream: string, decider: { name: string }): string {
  return `${decider.name}/${stream}`;
}

function isRefusal(decision: Decision<DomainEvent>): decision is Refusal {
  return !Array.isArray(decision);
}

function asRefused({ refused, detail, field, extra }: Refusal): Refused {
  return new Refused(refused, detail, { ...(field && { field }), ...extra });
}
