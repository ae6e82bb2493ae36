import type { Decider, Decision, DomainEvent } from '../event-store/index.js';

interface Settled {
  parkedId: string;
  /** The relationship that was refused; null where a whole event was. */
  tuple: string | null;
  operator: string;
  at: string;
}
export type ParkedRetried = DomainEvent<'parked-retried.v1', Settled>;
export type ParkedDiscarded = DomainEvent<'parked-discarded.v1', Settled>;
export type ParkingEvent = ParkedRetried | ParkedDiscarded;

/** Ids of what was parked and is settled. */
export interface Parking {
  settled: ReadonlySet<string>;
}

export const parking: Decider<Parking, ParkingEvent> = {
  name: 'parking',
  initial: { settled: new Set() },
  evolve: ({ settled }, { data }) => ({ settled: new Set(settled).add(data.parkedId) }),
};

export interface SettleParked {
  action: 'retry' | 'discard';
  /** As the relay parked it; undefined where nothing is parked under the id. */
  parked: { id: string; stage: 'event' | 'delivery' | 'process'; tuple: string | null } | undefined;
  /** Whether today's code can apply the event; of no account for a relationship. */
  understood: boolean;
  operator: string;
  at: string;
}

export function settleParked(
  { action, parked, understood, operator, at }: SettleParked,
  state: Parking,
): Decision<ParkingEvent> {
  if (!parked) return { refused: 'not-parked' };
  if (state.settled.has(parked.id)) return { refused: 'already-settled' };
  if (action === 'retry' && parked.stage === 'event' && !understood) return { refused: 'event-not-understood' };
  const data = { parkedId: parked.id, tuple: parked.tuple, operator, at };
  return [{ type: action === 'retry' ? 'parked-retried.v1' : 'parked-discarded.v1', data }];
}
