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

export const REPAIRED = 'relationships-repaired.v1';
export const REPAIRS_STREAM = 'repairs';

const repairs = noun<RelationshipsRepaired>({
  name: 'repairs',
  types: { [REPAIRED]: 'An operator made SpiceDB hold what is wanted, where it did not.' },
  relationships: { [REPAIRED]: () => [] },
  audit: {
    [REPAIRED]: ({ data: { missing, extra, tuples } }) => ({
      action: 'relationships.repaired',
      resource: { type: 'system', id: 'installation' },
      new: { missing, extra, tuples },
    }),
  },
});

export const verificationPart: DomainPart = { nouns: [repairs], readModels: [], processes: [] };
