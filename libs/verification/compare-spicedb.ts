import type { SpiceDb } from '../authorization/index.js';
import { MARK_TYPE } from '../outbox/index.js';
import type { Clock } from '../platform/index.js';
import type { NaiveRelationships, Wanted } from './naive-relationships.js';
import type { EventRef, ParkedRow } from './report.js';
import { readType } from './standing.js';
import type { Moving } from './truth.js';

export interface TupleFault {
  tuple: string;
  /** What there should be. */
  wanted: Wanted;
  /** The end that SpiceDB has, null for none; undefined where it does not have the tuple. */
  actual: Wanted;
  /** Which event should have made it so. */
  event?: EventRef;
}

export interface SpiceDbDifference {
  missing: TupleFault[];
  extra: TupleFault[];
  wrongEnd: TupleFault[];
  /** What SpiceDB refused: known to differ, and not counted. */
  parked: TupleFault[];
}

export interface ComparedWith {
  spicedb: SpiceDb;
  /** Object types that are ours. */
  types: readonly string[];
  relationships: NaiveRelationships;
  moving: Moving;
  parked: readonly ParkedRow[];
  clock: Clock;
}

/** A relationship may be gone as long before its end as the clocks differ. */
const CLOCK_SKEW_MS = 5_000;

/**
 * What SpiceDB holds of our types against what is wanted, in both directions.
 * @param follow called once everything is read: notes what changed in the meantime
 */
export async function compareSpiceDb(options: ComparedWith, follow: () => Promise<void>): Promise<SpiceDbDifference> {
  const { relationships, moving, parked, clock } = options;
  const statesOf = (tuple: string): readonly Wanted[] => moving.of(tuple) ?? [relationships.wanted(tuple)];
  const { seen, suspects } = await readSuspects(options, statesOf);
  await follow();

  const difference: SpiceDbDifference = { missing: [], extra: [], wrongEnd: [], parked: [] };
  const add = (kind: 'missing' | 'extra' | 'wrongEnd', tuple: string, wanted: Wanted, actual: Wanted): void => {
    if (moving.isOpen(tuple)) return;
    const event = relationships.lastChange.get(tuple);
    const fault = { tuple, wanted, actual, ...(event && { event }) };
    difference[isParked(parked, fault) ? 'parked' : kind].push(fault);
  };
  for (const [tuple, actual] of suspects) {
    const states = statesOf(tuple);
    if (states.includes(actual)) continue;
    add(states.every((state) => state === undefined) ? 'extra' : 'wrongEnd', tuple, states[0], actual);
  }
  const nearlyNow = new Date(clock.now().getTime() + CLOCK_SKEW_MS).toISOString();
  for (const tuple of new Set([...relationships.wishes.keys(), ...moving.tuples])) {
    const states = statesOf(tuple);
    const mayBeAbsent = states.some((end) => end === undefined || (end !== null && end <= nearlyNow));
    if (!seen.has(tuple) && !mayBeAbsent) add('missing', tuple, states[0], undefined);
  }
  return difference;
}

/** What SpiceDB has, and what of it is not as it should be. */
async function readSuspects(
  { spicedb, types }: ComparedWith,
  statesOf: (tuple: string) => readonly Wanted[],
): Promise<{ seen: Set<string>; suspects: Map<string, string | null> }> {
  const seen = new Set<string>();
  const suspects = new Map<string, string | null>();
  for (const type of types.filter((name) => name !== MARK_TYPE)) {
    for await (const { tuple, expiresAt } of readType(spicedb, type)) {
      seen.add(tuple);
      if (!statesOf(tuple).includes(expiresAt)) suspects.set(tuple, expiresAt);
    }
  }
  return { seen, suspects };
}

/** Whether the change that makes the difference is one that SpiceDB refused. */
function isParked(parked: readonly ParkedRow[], { tuple, event }: TupleFault): boolean {
  return parked.some(
    (row) =>
      row.stage === 'delivery' && row.status !== 'retried' && row.tuple === tuple && row.position === event?.position,
  );
}
