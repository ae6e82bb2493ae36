import type { Update } from '../authorization/index.js';
import type { Mark } from './relay-mark.js';

export interface ChangeRow extends Update {
  position: number;
  eventId: string;
}

/** A contiguous range of whole events, or a piece of one event too large for a write. */
export interface Range {
  rows: readonly ChangeRow[];
  updates: readonly Update[];
  /** Where the mark stands once it is written. */
  to: Mark;
}

/**
 * The next write: as many whole events as fold to at most `max` updates.
 * An event with more goes in pieces; only deletions have that many.
 */
export function cutRange(rows: readonly ChangeRow[], mark: Mark, max: number): Range {
  const tuples = new Set<string>();
  let end = 0;
  for (let start = 0; start < rows.length; start = end) {
    const { position } = rows[start]!;
    let next = start;
    while (next < rows.length && rows[next]!.position === position) next++;
    for (const row of rows.slice(start, next)) tuples.add(row.tuple);
    if (tuples.size > max && start > 0) break;
    end = next;
    if (start === 0 && (tuples.size > max || mark.piece > 0)) return cutPiece(rows.slice(0, next), mark, max);
  }
  const whole = rows.slice(0, end);
  return { rows: whole, updates: updatesOf(whole), to: markAfter(whole.at(-1)!) };
}

function cutPiece(event: readonly ChangeRow[], mark: Mark, max: number): Range {
  const updates = updatesOf(event);
  const end = mark.piece + max;
  const to = end >= updates.length ? markAfter(event[0]!) : { ...mark, piece: end };
  return { rows: event, updates: updates.slice(mark.piece, end), to };
}

function markAfter({ position, eventId }: ChangeRow): Mark {
  return { position, piece: 0, eventId };
}

/** The last change of each tuple: SpiceDB takes a tuple only once in a write. */
export function updatesOf(rows: readonly ChangeRow[]): Update[] {
  const last = new Map<string, Update>();
  for (const { operation, tuple, expiresAt } of rows) last.set(tuple, { operation, tuple, expiresAt });
  return [...last.values()];
}
