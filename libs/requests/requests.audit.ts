import type { AuditFields, AuditMap } from '../audit-log/index.js';
import type { Subject, Target } from '../assignments/index.js';
import type { ApprovalEvent } from './approval.decider.js';
import { type RequestEvent, statusAfter } from './request.decider.js';

interface About {
  requestId: string;
  requester: Subject;
  role: string;
  target: Target;
}

function entry(
  action: string,
  { requestId, requester, role, target }: About,
  change: { old?: object; new: object },
): AuditFields {
  const about = { requester: name(requester), role, target: name(target) };
  return {
    action: `request.${action}`,
    resource: { type: 'request', id: requestId },
    ...(change.old && { old: { ...about, ...change.old } }),
    new: { ...about, ...change.new },
  };
}

const name = ({ type, id }: Subject | Target): string => `${type}:${id}`;
const pending = { status: 'pending' };

export const requestsAudit: AuditMap<RequestEvent> = {
  'request-submitted.v1': ({ data }) => {
    const { until, rolesHeld: roles } = data;
    return entry('submitted', data, { old: { status: null, roles }, new: { ...pending, until, roles } });
  },
  'request-approved.v1': ({ data }) => {
    const { until, rolesBefore, rolesAfter, by } = data;
    const approved = { status: 'approved', until, roles: rolesAfter, by: name(by) };
    return entry('approved', data, { old: { ...pending, roles: rolesBefore }, new: approved });
  },
  'request-rejected.v1': ({ data }) => {
    const { rolesBefore, rolesAfter, by } = data;
    const rejected = { status: 'rejected', roles: rolesAfter, by: name(by) };
    return entry('rejected', data, { old: { ...pending, roles: rolesBefore }, new: rejected });
  },
  'request-withdrawn.v1': ({ data }) => entry('withdrawn', data, { old: pending, new: { status: 'withdrawn' } }),
  'request-superseded.v1': ({ data }) => {
    const superseded = { status: 'superseded', supersededBy: data.by.requestId };
    return entry('superseded', data, { old: pending, new: superseded });
  },
  'request-closed.v1': ({ data }) =>
    entry('closed', data, { old: pending, new: { status: 'closed', reason: data.reason } }),
  'request-grant-ended.v1': ({ data }) => {
    const { reason, by } = data;
    const ended = { status: statusAfter(reason), reason, by: by && name(by) };
    return entry('grant-ended', data, { old: { status: 'approved' }, new: ended });
  },
  'request-revocation-noted.v1': ({ data }) => entry('revocation-noted', data, { new: { by: name(data.by) } }),
};

export const approvalsAudit: AuditMap<ApprovalEvent> = {
  'approval-decision-recorded.v1': ({ data: { requestId, by, verdict } }) => ({
    action: 'approval.decision-recorded',
    resource: { type: 'request', id: requestId },
    new: { by: name(by), verdict },
  }),
};
