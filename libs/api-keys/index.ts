import type { DomainPart } from '../projections/index.js';
import { apiKeysNoun } from './api-keys.noun.js';
import { apiKeysProcess } from './api-keys.process.js';
import { apiKeysModel } from './api-keys.projection.js';

export { ApiKeysController } from './api-keys.controller.js';
export { ApiKeysModule } from './api-keys.module.js';
export { apiKeyProblems } from './problems.js';

export const apiKeysPart: DomainPart = {
  nouns: [apiKeysNoun],
  readModels: [apiKeysModel],
  processes: [apiKeysProcess],
};
