import type { DomainPart } from '../projections/index.js';
import { approvalsNoun, requestsNoun } from './requests.noun.js';
import { requestsProcess } from './requests.process.js';
import { requestsModel } from './requests.projection.js';

export * from './approval.decider.js';
export { requestProblems } from './problems.js';
export * from './request.decider.js';
export { RequestsController } from './requests.controller.js';
export { RequestsModule } from './requests.module.js';

export const requestsPart: DomainPart = {
  nouns: [requestsNoun, approvalsNoun],
  readModels: [requestsModel],
  processes: [requestsProcess],
};
