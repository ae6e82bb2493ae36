import { defineProblems } from '../platform/index.js';
import { STATUSES } from './request-documents.js';

const REQUEST_ID = { requestId: { type: 'string', description: 'the open request, where it is in the way' } };
const REQUEST_STATUS = {
  requestStatus: { type: 'string', enum: STATUSES, description: 'what the request has become' },
};

export const requestProblems = defineProblems({
  'role-not-requestable': {
    status: 422,
    title: 'The role is not requestable',
    next: 'GET /v1/tenants/{tenantId}/roles?requestable=true and …/requestable-roles list what may be requested.',
  },
  'role-already-held': {
    status: 409,
    title: 'The role is held already',
    next: 'Ask for another role, or for a time beyond the end of the present grant.',
  },
  'request-pending': {
    status: 409,
    title: 'A request for the role is open',
    next: 'Wait for its decision, withdraw it, or send "supersede": true to put this one in its place.',
    members: REQUEST_ID,
  },
  'request-not-pending': {
    status: 409,
    title: 'The request is not pending',
    next: 'Read it again: what it has become is in its status.',
    members: REQUEST_STATUS,
  },
  'request-not-approved': {
    status: 409,
    title: 'The request has no grant',
    next: 'Only approved requests can be revoked; a pending one is rejected or withdrawn.',
    members: REQUEST_STATUS,
  },
  'own-request': { status: 403, title: 'It is your own request', next: 'Ask somebody else to decide it.' },
  'target-gone': {
    status: 409,
    title: 'The target is gone',
    next: 'What the role was asked for was deleted. The request closes by itself.',
  },
  'role-not-requestable-any-more': {
    status: 409,
    title: 'The role is not requestable any more',
    next: 'Reject the request, or make the role requestable again.',
  },
  'requester-gone': {
    status: 409,
    title: 'The requester does not belong to the tenant any more',
    next: 'Reject the request.',
  },
  'requester-suspended': {
    status: 409,
    title: 'The requester is suspended',
    next: 'Approve the request once they are reinstated, or reject it.',
  },
  'request-until-passed': {
    status: 409,
    title: 'The time that was asked for is over',
    next: 'Reject the request; the requester may ask anew.',
  },
});
