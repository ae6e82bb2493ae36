import type { Subject } from '../assignments/index.js';
import { noun } from '../projections/index.js';
import type { ApprovalEvent } from './approval.decider.js';
import type { RequestEvent } from './request.decider.js';
import { approvalsAudit, requestsAudit } from './requests.audit.js';
import { approvalRelationships, requestRelationships } from './requests.relationships.js';

function nameOf({ type, id }: Subject): string {
  return `${type}:${id}`;
}

export const requestsNoun = noun<RequestEvent>({
  name: 'requests',
  types: {
    'request-submitted.v1': 'Somebody asked for a role.',
    'request-approved.v1': 'A request was approved; the grant follows.',
    'request-rejected.v1': 'A request was rejected.',
    'request-withdrawn.v1': 'A requester took a pending request back.',
    'request-superseded.v1': 'Another request of the same requester took the place of a pending one; carries it whole.',
    'request-closed.v1': 'A pending request lost its tenant, its target or its requester.',
    'request-grant-ended.v1': 'The grant of an approved request ended.',
    'request-revocation-noted.v1': 'Who revoked a grant said why.',
  },
  subjects: {
    'request-submitted.v1': ({ data }) => nameOf(data.requester),
    'request-superseded.v1': ({ data }) => nameOf(data.requester),
    'request-revocation-noted.v1': ({ data }) => nameOf(data.by),
  },
  relationships: requestRelationships,
  audit: requestsAudit,
});

export const approvalsNoun = noun<ApprovalEvent>({
  name: 'approvals',
  types: { 'approval-decision-recorded.v1': 'Somebody decided a request.' },
  // What reviewers write is theirs, also where it is about the requester.
  subjects: { 'approval-decision-recorded.v1': ({ data }) => nameOf(data.by) },
  relationships: approvalRelationships,
  audit: approvalsAudit,
});
