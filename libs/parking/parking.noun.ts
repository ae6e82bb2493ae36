import type { AuditMap } from '../audit-log/index.js';
import type { RelationshipMap } from '../outbox/index.js';
import { noun } from '../projections/index.js';
import type { ParkingEvent } from './parking.decider.js';

const relationships: RelationshipMap<ParkingEvent> = {
  'parked-retried.v1': ({ data: { parkedId, tuple, operator } }) => [
    { settle: parkedId, as: 'retried', by: operator, ...(tuple !== null && { resend: tuple }) },
  ],
  'parked-discarded.v1': ({ data: { parkedId, operator } }) => [{ settle: parkedId, as: 'discarded', by: operator }],
};

const audit: AuditMap<ParkingEvent> = {
  'parked-retried.v1': ({ data: { parkedId, tuple, operator } }) => ({
    action: 'parked.retried',
    resource: { type: 'parked', id: parkedId },
    new: { tuple, operator },
  }),
  'parked-discarded.v1': ({ data: { parkedId, tuple, operator } }) => ({
    action: 'parked.discarded',
    resource: { type: 'parked', id: parkedId },
    new: { tuple, operator },
  }),
};

export const parkingNoun = noun<ParkingEvent>({
  name: 'parking',
  types: {
    'parked-retried.v1': 'An operator had a parked relationship delivered again, as it is wanted now.',
    'parked-discarded.v1': 'An operator took note of something parked; it is not tried again.',
  },
  relationships,
  audit,
});
