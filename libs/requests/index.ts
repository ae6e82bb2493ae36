import type { DomainPart } from '../projections/index.js';
import { approvalsNoun, requestsNoun } from './requests.noun.js';
import { requestsProcess } from './requests.process.js';
import { requestsModel } from './requests.projection.js';

export * from './approval.decider.js';
export { DecideRequest } from './decide-request.js';
export { GetRequest, type ListedRequest, ListRequests, type RequestTables } from './list-requests.js';
export { requestProblems } from './problems.js';
export * from './request.decider.js';
export { RequestAccess } from './request-access.js';
export type { RequestResource } from './request-resource.js';
export { loadRequest, requestStream, type RequestState, type RequestStreamEvent } from './request-stream.js';
export { RequestsController } from './requests.controller.js';
export { RequestsModule } from './requests.module.js';
export { RevokeRequest } from './revoke-request.js';
export { SubmitRequest } from './submit-request.js';
export { WithdrawRequest } from './withdraw-request.js';

export const requestsPart: DomainPart = {
  nouns: [requestsNoun, approvalsNoun],
  readModels: [requestsModel],
  processes: [requestsProcess],
};
