import { BEFORE_START, type StoredEvent } from '../../libs/event-store/index.js';
import { MARK_TYPE, parseMark } from '../../libs/outbox/index.js';
import type { Domain } from '../../libs/projections/index.js';
import { NaiveRelationships, type TupleChange } from '../../libs/verification/naive-relationships.js';
import type { SimulatedLog } from './simulated-log.js';
import type { SimulatedSpiceDb } from './simulated-spicedb.js';

/** A promise that was not kept, and how it shows. */
export class Violation extends Error {
  constructor(
    /** Such as `P6`. */
    readonly promise: string,
    message: string,
  ) {
    super(`${promise}: ${message}`);
  }
}

/**
 * Holds SpiceDB against the log after every write: it shows the effects of the events up to the mark, all of them and
 * nothing else.
 */
export class EffectsOracle {
  private readonly naive = new NaiveRelationships();
  private upTo = BEFORE_START;
  private piece = 0;
  private shown = '';
  /** Wanted by an event of which SpiceDB did not take everything: it may have none of what that adds. */
  private readonly parked = new Set<string>();
  /** Who is gone, by the events up to the mark. */
  private readonly gone = new Set<string>();

  constructor(
    private readonly domain: Domain,
    private readonly log: SimulatedLog,
    private readonly spicedb: SimulatedSpiceDb,
    /** Tuples that SpiceDB does not take: it never has them. */
    private readonly refused: (tuple: string) => boolean,
  ) {}

  /** Whether SpiceDB shows the effects of all events up to a position. */
  shows(position: number): boolean {
    if (position <= this.upTo) return true;
    const later = this.log.events.slice(this.upTo + 1, position + 1);
    return later.every((event) => this.changesOf(event).every(({ tuple }) => this.refused(tuple)));
  }

  /** @throws Violation */
  check(): void {
    const { position, piece } = this.mark();
    const shown = JSON.stringify([...this.spicedb.relationships]);
    if (position === this.upTo && piece === this.piece && shown === this.shown) return;
    if (position < this.upTo || (position === this.upTo && piece < this.piece)) {
      throw new Violation('P6', `the mark went back from ${this.upTo}-${this.piece} to ${position}-${piece}`);
    }
    for (const event of this.log.events.slice(this.upTo + 1, position + 1)) this.apply(event);
    [this.upTo, this.piece, this.shown] = [position, piece, shown];
    this.compare(piece > 0 ? this.changesOf(this.nextChanging()) : []);
    this.requireNothingOfGone();
  }

  private requireNothingOfGone(): void {
    if (this.gone.size === 0) return;
    for (const tuple of this.spicedb.relationships.keys()) {
      if (!this.gone.has(tuple.split('@')[1]!)) continue;
      throw new Violation('P5', `with everything up to ${this.upTo} delivered, SpiceDB has ${tuple} of who is gone`);
    }
  }

  private mark(): { position: number; piece: number } {
    const marks = this.spicedb.read(MARK_TYPE);
    if (marks.length === 0) return { position: BEFORE_START, piece: 0 };
    if (marks.length > 1) throw new Violation('P6', `two marks: ${marks.map(({ tuple }) => tuple).join(', ')}`);
    return parseMark(marks[0]!.tuple);
  }

  /** @param open changes of an event that is delivered in pieces, and not whole yet */
  private compare(open: readonly TupleChange[]): void {
    const moving = new Map(open.map((change) => [change.tuple, change]));
    const withOpen = new Set(this.parkedWith(open));
    const wanted = new Map(
      [...this.naive.wishes.keys()]
        .filter((tuple) => !this.refused(tuple))
        .map((tuple) => [tuple, this.naive.wanted(tuple)] as const),
    );
    const had = new Map([...this.spicedb.relationships].filter(([tuple]) => !tuple.startsWith(`${MARK_TYPE}:`)));
    for (const tuple of new Set([...wanted.keys(), ...had.keys(), ...moving.keys()])) {
      const change = moving.get(tuple);
      const allowed = change ? [change.before, change.now] : [wanted.get(tuple)];
      if (allowed.includes(had.get(tuple)) || this.parked.has(tuple) || withOpen.has(tuple)) continue;
      throw new Violation(
        'P6',
        `with everything up to ${this.upTo} delivered, SpiceDB has ${tuple} ${shownEnd(had.get(tuple))}; ` +
          `wanted is ${shownEnd(wanted.get(tuple))}`,
      );
    }
  }

  private nextChanging(): StoredEvent | undefined {
    return this.log.events.slice(this.upTo + 1).find((event) => this.changesOf(event).length > 0);
  }

  /** What an event would change, without changing it. */
  private changesOf(stored: StoredEvent | undefined): TupleChange[] {
    if (!stored) return [];
    const ahead = new NaiveRelationships();
    for (const event of this.log.events.slice(0, stored.position)) this.applyTo(ahead, event);
    return this.applyTo(ahead, stored);
  }

  private apply(stored: StoredEvent): void {
    const changes = this.applyTo(this.naive, stored);
    const gone = goneBy(stored);
    if (gone !== undefined) this.gone.add(gone);
    for (const { tuple } of changes) this.parked.delete(tuple);
    for (const tuple of this.parkedWith(changes)) this.parked.add(tuple);
  }

  /** What an event adds is parked with what SpiceDB refuses of it; what it removes goes through. */
  private parkedWith(changes: readonly TupleChange[]): string[] {
    const added = changes.filter(({ now }) => now !== undefined).map(({ tuple }) => tuple);
    return added.some((tuple) => this.refused(tuple)) ? added : [];
  }

  private applyTo(naive: NaiveRelationships, stored: StoredEvent): TupleChange[] {
    let mapped;
    try {
      const event = this.domain.registry.decode(stored);
      mapped = { event, changes: this.domain.relationships(event) };
    } catch {
      // Poison: it is parked and changes nothing.
      return [];
    }
    return naive.apply(mapped.event, mapped.changes);
  }
}

/** Who can hold nothing any more from an event on. */
export function goneBy({ type, data }: StoredEvent): string | undefined {
  if (type === 'user-deactivated.v1') return `user:${data['userId'] as string}`;
  return type === 'service-account-deleted.v1' ? `service_account:${data['serviceAccountId'] as string}` : undefined;
}

function shownEnd(end: string | null | undefined): string {
  return end === undefined ? 'not' : end === null ? 'without an end' : `until ${end}`;
}
