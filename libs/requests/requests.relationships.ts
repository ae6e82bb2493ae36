import { none, type RelationshipMap } from '../outbox/index.js';
import type { ApprovalEvent } from './approval.decider.js';
import type { RequestEvent } from './request.decider.js';

export const requestRelationships: RelationshipMap<RequestEvent> = {
  'request-submitted.v1': none,
  'request-approved.v1': none,
  'request-rejected.v1': none,
  'request-withdrawn.v1': none,
  'request-superseded.v1': none,
  'request-closed.v1': none,
  'request-grant-ended.v1': none,
  'request-revocation-noted.v1': none,
};

export const approvalRelationships: RelationshipMap<ApprovalEvent> = {
  'approval-decision-recorded.v1': none,
};
