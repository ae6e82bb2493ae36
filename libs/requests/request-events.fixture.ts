import type { Circumstances, RequestEvent } from './request.decider.js';

export const at = '2026-01-02T03:04:05.000Z';
export const later = '2026-01-02T04:00:00.000Z';
export const until = '2026-06-01T00:00:00.000Z';
export const ann = { type: 'user' as const, id: 'ann' };
export const adm = { type: 'user' as const, id: 'adm' };
export const target = { type: 'workspace' as const, id: 'w1' };
export const wanted = { requestId: 'r1', tenantId: 't1', requester: ann, role: 'editor' as const, target, until };
export const asked = { ...wanted, rolesHeld: ['member' as const] };
export const about = { requestId: 'r1', tenantId: 't1', requester: ann, role: 'editor' as const, target };
export const next = { ...about, revision: 2, at: later };
export const roles = { rolesBefore: ['member' as const], rolesAfter: ['member' as const, 'editor' as const] };

export const submitted: RequestEvent = {
  type: 'request-submitted.v1',
  data: { ...asked, at },
  personal: { reason: 'please' },
};
export const approved: RequestEvent = { type: 'request-approved.v1', data: { ...next, until, by: adm, ...roles } };
export const rejected: RequestEvent = {
  type: 'request-rejected.v1',
  data: { ...next, by: adm, rolesBefore: ['member'], rolesAfter: ['member'] },
};
export const withdrawn: RequestEvent = { type: 'request-withdrawn.v1', data: next };
export const superseded: RequestEvent = {
  type: 'request-superseded.v1',
  data: { ...next, by: { ...wanted, requestId: 'r2' } },
  personal: { reason: 'longer' },
};
export const closed = (reason: 'target-deleted' | 'tenant-deleted' | 'requester-removed' | 'requester-deactivated') =>
  ({ type: 'request-closed.v1', data: { ...next, reason } }) satisfies RequestEvent;
export const ended = (reason: 'revoked' | 'expired' | 'removed' | 'requester-removed', by: typeof adm | null = adm) =>
  ({ type: 'request-grant-ended.v1', data: { ...next, revision: 3, reason, by } }) satisfies RequestEvent;

export const well: Circumstances = {
  tenantExists: true,
  targetExists: true,
  requestable: true,
  roleExists: true,
  requesterActive: true,
  requesterSuspended: false,
  requesterIsMember: true,
  requesterRemovedAt: -1,
  rolesHeld: ['member'],
};
export const decision = (changed: Partial<Circumstances> = {}, by = adm) => ({
  by,
  circumstances: { ...well, ...changed },
  at: later,
});
export const notPending = [approved, rejected, withdrawn, superseded, closed('target-deleted')].map(
  (event) => [event.type, event] as const,
);
