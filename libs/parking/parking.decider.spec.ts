import { given } from '../testing/index.js';
import { parking, type ParkingEvent, type SettleParked, settleParked } from './parking.decider.js';

const at = '2026-01-01T00:00:00.000Z';
const tuple = 'tenant:T#admin@user:U';
const data = { parkedId: 'p1', tuple, operator: 'olga', at };
const retried: ParkingEvent = { type: 'parked-retried.v1', data };
const discarded: ParkingEvent = { type: 'parked-discarded.v1', data };

const relationship = { id: 'p1', stage: 'delivery' as const, tuple };
const event = { id: 'p1', stage: 'event' as const, tuple: null };
const settle = (command: Partial<SettleParked>) =>
  settleParked.bind(null, {
    action: 'retry',
    parked: relationship,
    understood: false,
    operator: 'olga',
    at,
    ...command,
  });

it('a parked relationship is retried or discarded', () => {
  given(parking).when(settle({})).then([retried]);
  given(parking)
    .when(settle({ action: 'discard' }))
    .then([discarded]);
});

it('a parked event is retried by a version that can apply it, and discarded by any', () => {
  given(parking)
    .when(settle({ parked: event }))
    .thenRefused('event-not-understood');
  given(parking)
    .when(settle({ parked: event, understood: true }))
    .then([{ type: 'parked-retried.v1', data: { ...data, tuple: null } }]);
  given(parking)
    .when(settle({ parked: event, action: 'discard' }))
    .then([{ type: 'parked-discarded.v1', data: { ...data, tuple: null } }]);
});

it('is settled once', () => {
  for (const before of [retried, discarded]) {
    given(parking, [before]).when(settle({})).thenRefused('already-settled');
    given(parking, [before])
      .when(settle({ action: 'discard' }))
      .thenRefused('already-settled');
  }
  given(parking, [retried])
    .when(settle({ parked: { ...relationship, id: 'p2' } }))
    .then([{ type: 'parked-retried.v1', data: { ...data, parkedId: 'p2' } }]);
});

it('is refused where nothing is parked under the id', () => {
  given(parking)
    .when(settle({ parked: undefined }))
    .thenRefused('not-parked');
});
