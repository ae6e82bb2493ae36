import type { ClientBase } from 'pg';
import { isAuditHead, PublishedHeads } from '../audit-log/index.js';
import {
  BEFORE_START,
  type Decode,
  type EventLog,
  type EventRegistry,
  type Recorded,
  type StoredEvent,
} from '../event-store/index.js';
import type { Domain } from '../projections/index.js';
import { NaiveReadModels } from './naive-rows.js';
import { NaiveRelationships, type TupleChange, type Wanted } from './naive-relationships.js';
import type { Difference } from './report.js';

const EVENTS_AT_ONCE = 1_000;

/** Every event after a position and up to another, in order. */
export async function* readLog(log: EventLog, after: number, upTo: number): AsyncGenerator<StoredEvent> {
  for await (const events of readPieces(log, after, upTo)) yield* events;
}

/** The same with their personal fields, by the keys that the client's snapshot has. */
export async function* readLogWithKeys(
  log: EventLog,
  registry: EventRegistry,
  client: ClientBase,
  upTo: number,
): AsyncGenerator<readonly [StoredEvent, Decode]> {
  for await (const events of readPieces(log, BEFORE_START, upTo)) {
    const decode = await registry.decoderOf(events, client);
    for (const event of events) yield [event, decode];
  }
}

/** The same in pieces. */
export async function* readPieces(log: EventLog, after: number, upTo: number): AsyncGenerator<StoredEvent[]> {
  for (let position = after; position < upTo;) {
    const events = await log.readAll(position, EVENTS_AT_ONCE);
    yield events.filter((event) => event.position <= upTo);
    if (events.length < EVENTS_AT_ONCE) return;
    position = events.at(-1)!.position;
  }
}

/** What there should be according to the log, worked out an event at a time, with nothing but maps. */
export class Truth {
  readonly readModels: NaiveReadModels;
  readonly relationships = new NaiveRelationships();
  readonly heads = new PublishedHeads();
  /** Events that today's code can't apply, and that nobody has parked. */
  readonly failures: Difference[] = [];

  constructor(
    private readonly domain: Domain,
    /** Ids of events that were parked: they have no effect. */
    private readonly poison: ReadonlySet<string>,
  ) {
    this.readModels = new NaiveReadModels(domain.readModels);
  }

  apply(stored: StoredEvent, decode: Decode): TupleChange[] {
    if (isAuditHead(stored.type)) this.heads.add(stored);
    return this.withDecoded(stored, decode, (event) => {
      const sources = this.domain.relationships(event);
      this.readModels.apply(event);
      return this.relationships.apply(event, sources);
    });
  }

  applyToRelationships(stored: StoredEvent): TupleChange[] {
    const { registry, relationships } = this.domain;
    return this.withDecoded(stored, registry.decode, (event) => this.relationships.apply(event, relationships(event)));
  }

  private withDecoded(stored: StoredEvent, decode: Decode, apply: (event: Recorded) => TupleChange[]): TupleChange[] {
    if (this.poison.has(stored.id)) return [];
    try {
      return apply(decode(stored));
    } catch (error) {
      const { position, id, type } = stored;
      const event = { position, id, type };
      this.failures.push({ kind: 'not-applicable', subject: id, actual: (error as Error).message, event });
      return [];
    }
  }
}

/** Tuples that changed after a position: SpiceDB may be asked before or after it hears of them. */
export class Moving {
  private readonly states = new Map<string, Wanted[]>();
  private readonly resent = new Set<string>();

  constructor(
    /** Up to here everything is known to be delivered. */
    readonly basis: number,
  ) {}

  note(changes: readonly TupleChange[]): void {
    for (const { tuple, before, now, event, resent } of changes) {
      if (event.position <= this.basis) continue;
      if (resent) this.resent.add(tuple);
      const states = this.states.get(tuple) ?? [before];
      states.push(now);
      this.states.set(tuple, states);
    }
  }

  get tuples(): Iterable<string> {
    return this.states.keys();
  }

  /** Whether a tuple that SpiceDB had refused is to be delivered again: until it is, anything may be found of it. */
  isOpen(tuple: string): boolean {
    return this.resent.has(tuple);
  }

  /** What may be found of a tuple, first as it was at the basis; undefined where it has not changed since. */
  of(tuple: string): readonly Wanted[] | undefined {
    return this.states.get(tuple);
  }
}
