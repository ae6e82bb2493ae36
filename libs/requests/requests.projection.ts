import type { EventMap } from '../event-store/index.js';
import { readModel, type Row, type RowChange } from '../projections/index.js';
import { type RequestStatus, statusAfter } from './request.decider.js';
import type { UserErased } from '../users/index.js';
import type { RequestStreamEvent } from './request-stream.js';

const table = 'request';

function change({ requestId: id, at, revision }: { requestId: string; at: string; revision: number }, set: Row) {
  return [{ table, key: { id }, patch: { ...set, updated_at: at, revision } }];
}

function forget(forgetWhere: Row, set: Row): RowChange {
  return { table, forgetWhere, set };
}

function becomes(status: RequestStatus) {
  return ({ data }: { data: { requestId: string; at: string; revision: number } }) => change(data, { status });
}

const changes = {
  'request-submitted.v1': ({ data, personal }) => {
    const { requestId: id, tenantId, requester, role, target, until, at } = data;
    const people = {
      ...{ requester_type: requester.type, requester_id: requester.id },
      requester_name: personal?.requesterName ?? null,
    };
    const asked = { role, target_type: target.type, target_id: target.id, until, reason: personal?.reason ?? null };
    const state = { status: 'pending', created_at: at, updated_at: at, revision: 1 };
    return [{ table, put: { id, tenant_id: tenantId, kind: 'role', ...people, ...asked, ...state } }];
  },
  'approval-decision-recorded.v1': ({ data: { requestId: id, by, at }, personal }) => {
    const reviewer = { reviewer_type: by.type, reviewer_id: by.id, reviewer_name: personal?.reviewerName ?? null };
    return [{ table, key: { id }, patch: { ...reviewer, review_note: personal?.note ?? null, reviewed_at: at } }];
  },
  'request-approved.v1': becomes('approved'),
  'request-rejected.v1': becomes('rejected'),
  'request-withdrawn.v1': becomes('withdrawn'),
  'request-superseded.v1': becomes('superseded'),
  'request-closed.v1': ({ data }) => change(data, { status: 'closed', close_reason: data.reason }),
  'request-grant-ended.v1': ({ data }) => change(data, { status: statusAfter(data.reason), close_reason: data.reason }),
  'request-revocation-noted.v1': ({ data, personal }) =>
    change(data, { revocation_note: personal?.note ?? null, revocation_noted_by: `${data.by.type}:${data.by.id}` }),
  'user-erased.v1': ({ data: { userId: id } }) => [
    forget({ requester_type: 'user', requester_id: id }, { requester_name: null, reason: null }),
    forget({ reviewer_type: 'user', reviewer_id: id }, { reviewer_name: null, review_note: null }),
    forget({ revocation_noted_by: `user:${id}` }, { revocation_note: null }),
  ],
} satisfies EventMap<RequestStreamEvent | UserErased, readonly RowChange[]>;

export const requestsModel = readModel({
  name: 'requests',
  version: 2,
  tables: [
    {
      name: table,
      key: ['id'],
      columns: {
        id: 'text',
        tenant_id: 'text',
        kind: 'text',
        requester_type: 'text',
        requester_id: 'text',
        requester_name: 'text',
        role: 'text',
        target_type: 'text',
        target_id: 'text',
        until: 'timestamptz',
        reason: 'text',
        status: 'text',
        close_reason: 'text',
        revocation_note: 'text',
        revocation_noted_by: 'text',
        reviewer_type: 'text',
        reviewer_id: 'text',
        reviewer_name: 'text',
        review_note: 'text',
        reviewed_at: 'timestamptz',
        created_at: 'timestamptz',
        updated_at: 'timestamptz',
        revision: 'integer',
      },
    },
  ],
  changes,
});
