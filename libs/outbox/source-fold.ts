import { holderOf, idOf, type SourceChange, tupleKey, wholeOf } from './relationship.js';

/** A row of `relationship_source`. */
export interface SourceRow {
  tuple: string;
  source: string;
  resource: string;
  subject: string;
  tenantId: string | null;
  until: string | null;
  position: number;
  /** It does not count: its subject was suspended, and this is not restored yet. */
  withdrawn: boolean;
}
/** One effective change: the tuple is wanted with this end, or not wanted any more. */
export interface EffectiveChange {
  position: number;
  eventId: string;
  tuple: string;
  operation: 'touch' | 'delete';
  expiresAt: string | null;
}
export interface EventSources {
  position: number;
  eventId: string;
  tenantId: string | null;
  changes: readonly SourceChange[];
}
type Sources = Map<string, SourceRow>;
/** undefined: not wanted; null: wanted without an end. */
type Wanted = string | null | undefined;

/** Applies source changes in the order of the log to rows held in memory, and finds what they change for SpiceDB. */
export class SourceFold {
  readonly effective: EffectiveChange[] = [];
  readonly settled: Extract<SourceChange, { settle: string }>[] = [];
  private readonly tuples = new Map<string, Sources>();
  private readonly changed = new Map<string, SourceRow | null>();

  constructor(
    rows: readonly SourceRow[],
    private readonly closedTenants: Set<string>,
    private readonly suspended = new Set<string>(),
  ) {
    for (const row of rows) this.sourcesOf(row.tuple).set(row.source, row);
  }

  /** Rows to write (the row) and to remove (null), by `tuple` and `source`. */
  get writes(): SourceRow[] {
    return [...this.changed.values()].filter((row) => row !== null);
  }

  get removals(): { tuple: string; source: string }[] {
    return [...this.changed].flatMap(([id, row]) => {
      const [tuple, source] = JSON.parse(id) as [string, string];
      return row === null ? [{ tuple, source }] : [];
    });
  }

  apply(event: EventSources): void {
    const before = new Map<string, Wanted>();
    const resent = new Set<string>();
    for (const change of event.changes) {
      if ('settle' in change) this.settle(change, before, resent);
      else this.applyChange(change, event, before);
    }
    for (const [tuple, was] of before) {
      const now = this.wanted(tuple);
      if (was === now && !resent.has(tuple)) continue;
      const { position, eventId } = event;
      const operation = now === undefined ? 'delete' : 'touch';
      this.effective.push({ position, eventId, tuple, operation, expiresAt: now ?? null });
    }
  }

  private settle(
    change: Extract<SourceChange, { settle: string }>,
    before: Map<string, Wanted>,
    resent: Set<string>,
  ): void {
    this.settled.push(change);
    if (change.resend === undefined) return;
    this.note(change.resend, before);
    resent.add(change.resend);
  }

  private applyChange(
    change: Exclude<SourceChange, { settle: string }>,
    event: EventSources,
    before: Map<string, Wanted>,
  ): void {
    if ('closeTenant' in change) this.closedTenants.add(change.closeTenant);
    else if ('want' in change) this.want(change, event, before);
    else if ('suspend' in change) this.suspend(change.suspend, before);
    else if ('reinstate' in change) this.suspended.delete(change.reinstate);
    else if ('restore' in change) this.restore(change, before);
    else for (const row of this.ending(change)) this.end(row, before);
  }

  private want(
    change: Extract<SourceChange, { want: object }>,
    event: EventSources,
    before: Map<string, Wanted>,
  ): void {
    if (event.tenantId !== null && this.closedTenants.has(event.tenantId)) return;
    const tuple = tupleKey(change.want);
    const { resource, subject } = change.want;
    const { source, until = null } = change;
    this.note(tuple, before);
    const row = { tuple, source, resource, subject, tenantId: event.tenantId, until, position: event.position };
    this.set({ ...row, withdrawn: this.suspended.has(subject) });
  }

  private suspend(subject: string, before: Map<string, Wanted>): void {
    this.suspended.add(subject);
    for (const row of this.all((found) => found.subject === subject && !found.withdrawn)) {
      this.note(row.tuple, before);
      this.set({ ...row, withdrawn: true });
    }
  }

  private restore(
    { restore: subject, tenantId, most }: Extract<SourceChange, { restore: string }>,
    before: Map<string, Wanted>,
  ): void {
    if (this.suspended.has(subject) || (tenantId !== null && this.closedTenants.has(tenantId))) return;
    const withdrawn = this.all((row) => row.withdrawn && row.subject === subject && row.tenantId === tenantId);
    const first = new Set([...new Set(withdrawn.map(({ tuple }) => tuple))].sort().slice(0, most));
    for (const row of withdrawn.filter(({ tuple }) => first.has(tuple))) {
      this.note(row.tuple, before);
      this.set({ ...row, withdrawn: false });
    }
  }

  private set(row: SourceRow): void {
    this.sourcesOf(row.tuple).set(row.source, row);
    this.changed.set(rowId(row), row);
  }

  private end(row: SourceRow, before: Map<string, Wanted>): void {
    this.note(row.tuple, before);
    this.sourcesOf(row.tuple).delete(row.source);
    this.changed.set(rowId(row), null);
  }

  private ending(
    change: Extract<
      SourceChange,
      { end: object } | { endTuple: object } | { endObject: string } | { endSubject: string }
    >,
  ): SourceRow[] {
    if ('end' in change) {
      const row = this.tuples.get(tupleKey(change.end))?.get(change.source);
      return row ? [row] : [];
    }
    if ('endTuple' in change) return [...(this.tuples.get(tupleKey(change.endTuple))?.values() ?? [])];
    if ('endObject' in change) {
      const [userset, id] = [`${change.endObject}#`, idOf(change.endObject)];
      return this.all(
        ({ resource, subject, source }) =>
          holderOf(source) === change.endObject ||
          resource === change.endObject ||
          subject === change.endObject ||
          subject.startsWith(userset) ||
          wholeOf(resource) === id,
      );
    }
    return this.all(
      ({ subject, tenantId, source }) =>
        (subject === change.endSubject || holderOf(source) === change.endSubject) &&
        tenantId === change.tenantId &&
        !source.startsWith(change.exceptSourcePrefix),
    );
  }

  private all(matches: (row: SourceRow) => boolean): SourceRow[] {
    return [...this.tuples.values()].flatMap((sources) => [...sources.values()].filter(matches));
  }

  private note(tuple: string, before: Map<string, Wanted>): void {
    if (!before.has(tuple)) before.set(tuple, this.wanted(tuple));
  }

  private wanted(tuple: string): Wanted {
    const counting = [...(this.tuples.get(tuple)?.values() ?? [])].filter(({ withdrawn }) => !withdrawn);
    const ends = counting.map(({ until }) => until);
    if (ends.length === 0) return undefined;
    return ends.includes(null) ? null : ends.reduce((latest, end) => (end! > latest! ? end : latest));
  }

  private sourcesOf(tuple: string): Sources {
    const sources = this.tuples.get(tuple) ?? new Map<string, SourceRow>();
    this.tuples.set(tuple, sources);
    return sources;
  }
}

function rowId({ tuple, source }: { tuple: string; source: string }): string {
  return JSON.stringify([tuple, source]);
}
