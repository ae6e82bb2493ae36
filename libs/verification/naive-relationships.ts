import { holderOf, idOf, type SourceChange, type Tuple, tupleKey, wholeOf } from '../outbox/index.js';
import type { Recorded } from '../event-store/index.js';
import type { EventRef } from './report.js';

/** undefined: not wanted; null: wanted without an end; else until when. */
export type Wanted = string | null | undefined;

export interface Wish {
  tuple: string;
  source: string;
  resource: string;
  subject: string;
  tenantId: string | null;
  until: string | null;
  position: number;
  /** Its subject was suspended, and this is not restored yet. */
  withdrawn: boolean;
}
/** What an event made of a tuple. */
export interface TupleChange {
  tuple: string;
  before: Wanted;
  now: Wanted;
  event: EventRef;
  /** It is delivered again, whether or not it is wanted otherwise than before. */
  resent: boolean;
}

/** Who wants which tuple until when, an event at a time. */
export class NaiveRelationships {
  /** Tuple → source → wish. */
  readonly wishes = new Map<string, Map<string, Wish>>();
  readonly closedTenants = new Set<string>();
  readonly suspended = new Set<string>();
  /** The event that last changed whether or until when a tuple is wanted. */
  readonly lastChange = new Map<string, EventRef>();
  /** An object → tuples that it is the resource or the subject of, or were; its id → those of its parts. */
  private readonly tuplesOf = new Map<string, Set<string>>();

  wanted(tuple: string): Wanted {
    const wishes = this.of(tuple).filter(({ withdrawn }) => !withdrawn);
    if (wishes.length === 0) return undefined;
    let latest: string | null = '';
    for (const { until } of wishes) {
      if (until === null || latest === null) latest = null;
      else if (until > latest) latest = until;
    }
    return latest;
  }

  /** @returns the tuples that are to be delivered because of the event */
  apply(event: Recorded, changes: readonly SourceChange[]): TupleChange[] {
    const before = new Map<string, Wanted>();
    const resent = new Set<string>();
    for (const change of changes) {
      if ('closeTenant' in change) this.closedTenants.add(change.closeTenant);
      else if ('want' in change) this.want(event, change, before);
      else if ('settle' in change) this.resend(change.resend, before, resent);
      else if ('suspend' in change) this.suspend(change.suspend, before);
      else if ('reinstate' in change) this.suspended.delete(change.reinstate);
      else if ('restore' in change) this.restore(change, before);
      else for (const wish of this.ended(change)) this.end(wish, before);
    }
    const ref = { position: event.position, id: event.id, type: event.type };
    const changed: TupleChange[] = [];
    for (const [tuple, was] of before) {
      const now = this.wanted(tuple);
      if (now === was && !resent.has(tuple)) continue;
      this.lastChange.set(tuple, ref);
      changed.push({ tuple, before: was, now, event: ref, resent: resent.has(tuple) });
    }
    return changed;
  }

  private want(
    { metadata: { tenantId }, position }: Recorded,
    { want, source, until }: Extract<SourceChange, { want: Tuple }>,
    before: Map<string, Wanted>,
  ): void {
    if (tenantId !== null && this.closedTenants.has(tenantId)) return;
    const tuple = tupleKey(want);
    this.remember(tuple, before);
    const end = until ? new Date(until).toISOString() : null;
    const { resource, subject } = want;
    const wishes = this.wishes.get(tuple) ?? new Map<string, Wish>();
    const withdrawn = this.suspended.has(subject);
    wishes.set(source, { tuple, source, resource, subject, tenantId, until: end, position, withdrawn });
    this.wishes.set(tuple, wishes);
    for (const object of [resource, objectOf(subject), wholeOf(resource), holderOf(source)]) {
      if (object === undefined) continue;
      this.tuplesOf.set(object, (this.tuplesOf.get(object) ?? new Set()).add(tuple));
    }
  }

  private suspend(subject: string, before: Map<string, Wanted>): void {
    this.suspended.add(subject);
    for (const wish of this.about(subject)) if (wish.subject === subject) this.withdraw(wish, true, before);
  }

  /** Of the tuples with something withdrawn in the tenant, the first so many in order; with every source they have there. */
  private restore(
    { restore: subject, tenantId, most }: Extract<SourceChange, { restore: string }>,
    before: Map<string, Wanted>,
  ): void {
    if (this.suspended.has(subject)) return;
    if (tenantId !== null && this.closedTenants.has(tenantId)) return;
    const there = this.about(subject).filter(
      (wish) => wish.subject === subject && wish.withdrawn && wish.tenantId === tenantId,
    );
    const tuples: string[] = [];
    for (const { tuple } of there.sort((a, b) => (a.tuple < b.tuple ? -1 : 1))) {
      if (tuples.at(-1) !== tuple) tuples.push(tuple);
    }
    tuples.length = Math.min(tuples.length, most);
    for (const wish of there) if (tuples.includes(wish.tuple)) this.withdraw(wish, false, before);
  }

  private withdraw(wish: Wish, withdrawn: boolean, before: Map<string, Wanted>): void {
    this.remember(wish.tuple, before);
    this.wishes.get(wish.tuple)!.set(wish.source, { ...wish, withdrawn });
  }

  private resend(tuple: string | undefined, before: Map<string, Wanted>, resent: Set<string>): void {
    if (tuple === undefined) return;
    this.remember(tuple, before);
    resent.add(tuple);
  }

  private end({ tuple, source }: Wish, before: Map<string, Wanted>): void {
    this.remember(tuple, before);
    const wishes = this.wishes.get(tuple)!;
    wishes.delete(source);
    if (wishes.size === 0) this.wishes.delete(tuple);
  }

  private ended(
    change: Extract<
      SourceChange,
      { end: Tuple } | { endTuple: Tuple } | { endObject: string } | { endSubject: string }
    >,
  ): Wish[] {
    if ('end' in change) return this.of(tupleKey(change.end)).filter(({ source }) => source === change.source);
    if ('endTuple' in change) return this.of(tupleKey(change.endTuple));
    if ('endObject' in change) {
      const { endObject } = change;
      return [...new Set([...this.about(endObject), ...this.about(idOf(endObject))])].filter(
        ({ resource, subject, source }) =>
          [resource, objectOf(subject), holderOf(source)].includes(endObject) || wholeOf(resource) === idOf(endObject),
      );
    }
    return this.about(objectOf(change.endSubject)).filter(
      ({ subject, tenantId, source }) =>
        (subject === change.endSubject || holderOf(source) === change.endSubject) &&
        tenantId === change.tenantId &&
        !source.startsWith(change.exceptSourcePrefix),
    );
  }

  private of(tuple: string): Wish[] {
    return [...(this.wishes.get(tuple)?.values() ?? [])];
  }

  /** Wishes for tuples that an object, or what has its id, has to do with. */
  private about(object: string): Wish[] {
    return [...(this.tuplesOf.get(object) ?? [])].flatMap((tuple) => this.of(tuple));
  }

  private remember(tuple: string, before: Map<string, Wanted>): void {
    if (!before.has(tuple)) before.set(tuple, this.wanted(tuple));
  }
}

function objectOf(subject: string): string {
  return subject.split('#', 1)[0]!;
}
