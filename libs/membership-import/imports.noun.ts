import { none } from '../outbox/index.js';
import { type DomainPart, noun } from '../projections/index.js';
import type { ImportProgressed } from './import-journal.decider.js';

export const importsPart: DomainPart = {
  nouns: [
    noun<ImportProgressed>({
      name: 'imports',
      types: { 'import-progressed.v1': 'A membership history is carried out up to one of its changes.' },
      relationships: { 'import-progressed.v1': none },
      audit: {
        'import-progressed.v1': ({ data: { importId, change, lines, refused } }) => ({
          action: 'import.progressed',
          resource: { type: 'import', id: importId },
          new: { change, lines, refused: refused.length },
        }),
      },
    }),
  ],
  readModels: [],
  processes: [],
};
