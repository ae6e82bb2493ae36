import type { DomainEvent } from '../event-store/index.js';
import { type DomainPart, noun } from '../projections/index.js';

export type RelationshipsRepaired = DomainEvent<
  'relationships-repaired.v1',
  {
    /** How many relationships SpiceDB lacked, or had with another end. */
    missing: number;
    /** How many it had that nothing wants. */
    extra: number;
    /** The first of them. */
    tuples: readonly { operation: 'touch' | 'delete'; tuple: string }[];
  }
>;

/** The log was restored to an earlier time, and an operator goes on with what it has. */
export type LostEventsAccepted = DomainEvent<
  'lost-events-accepted.v1',
  {
    /** Position of the last event that is not lost. */
    after: number;
    count: number;
    /** When the first and the last of the lost ones happened. */
    firstAt: string;
    lastAt: string;
  }
>;

/** The table of keys was restored to an earlier time, and an operator goes on without those that are lost. */
export type LostKeysAccepted = DomainEvent<
  'lost-keys-accepted.v1',
  {
    /** Whose keys they are: `user:01J…`. */
    subjects: readonly string[];
  }
>;

export const KEYS_LOSS_ACCEPTED = 'lost-keys-accepted.v1';
export const LOSS_ACCEPTED = 'lost-events-accepted.v1';
/** In the place of the incarnation of the log that a read side follows, until it is rebuilt: no relay goes on. */
export const REBUILDING = 'rebuilding';
export const REPAIRED = 'relationships-repaired.v1';
export const REPAIRS_STREAM = 'repairs';

const repairs = noun<RelationshipsRepaired | LostEventsAccepted | LostKeysAccepted>({
  name: 'repairs',
  types: {
    [REPAIRED]: 'An operator made SpiceDB hold what is wanted, where it did not.',
    [LOSS_ACCEPTED]: 'An operator went on with an event log that had lost its last events.',
    [KEYS_LOSS_ACCEPTED]: 'An operator went on without keys that were lost: what they sealed counts as erased.',
  },
  relationships: { [REPAIRED]: () => [], [LOSS_ACCEPTED]: () => [], [KEYS_LOSS_ACCEPTED]: () => [] },
  audit: {
    [REPAIRED]: ({ data: { missing, extra, tuples } }) => ({
      action: 'relationships.repaired',
      resource: { type: 'system', id: 'installation' },
      new: { missing, extra, tuples },
    }),
    [LOSS_ACCEPTED]: ({ data: { after, count, firstAt, lastAt } }) => ({
      action: 'lost-events.accepted',
      resource: { type: 'system', id: 'installation' },
      new: { after, count, firstAt, lastAt },
    }),
    [KEYS_LOSS_ACCEPTED]: ({ data: { subjects } }) => ({
      action: 'lost-keys.accepted',
      resource: { type: 'system', id: 'installation' },
      new: { subjects },
    }),
  },
});

export const verificationPart: DomainPart = { nouns: [repairs], readModels: [], processes: [] };
