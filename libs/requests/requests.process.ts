import type {
  RoleEnded,
  RoleGranted,
  RoleRequestOpened,
  Subject,
  TenantMemberRemoved,
  TenantServiceAccountRemoved,
} from '../assignments/index.js';
import type { EventMetadata } from '../event-store/index.js';
import { type FollowUp, process } from '../projections/index.js';
import type { ServiceAccountDeleted } from '../service-accounts/index.js';
import type { RoleDeleted } from '../roles/index.js';
import type { TenantAdminEnded, TenantDeletionStarted } from '../tenants/index.js';
import type { UserDeactivated } from '../users/index.js';
import type { WorkspaceDeleted } from '../workspaces/index.js';
import { CloseRequests, CloseRequestsUnlessMember, type Ended } from './close-requests.js';
import { CloseRoleRequest } from './close-role-request.js';
import { EndRequestedRole, EndRequestGrant, GrantRequested } from './complete-decision.js';
import { CloseOrphanedRequest, CompleteSubmission, OpenSuperseding } from './complete-submission.js';
import { REQUESTS_PROCESS } from './request-stream.js';
import { type GrantEndReason, type RequestEvent, requestsAmong, type RoleWanted } from './request.decider.js';

type Read =
  | RequestEvent
  | RoleRequestOpened
  | RoleGranted
  | RoleEnded
  | TenantMemberRemoved
  | TenantServiceAccountRemoved
  | TenantAdminEnded
  | TenantDeletionStarted
  | WorkspaceDeleted
  | RoleDeleted
  | UserDeactivated
  | ServiceAccountDeleted;

/**
 * An opened request is submitted, an approved one granted, and one that has ended makes room for the next. What happens
 * to grants, targets and requesters elsewhere is told to the requests it is about.
 */
export const requestsProcess = process<Read>({
  name: REQUESTS_PROCESS,
  once: [
    ...(['role-request-opened.v1', 'request-submitted.v1', 'request-approved.v1', 'request-rejected.v1'] as const),
    ...(['request-withdrawn.v1', 'request-closed.v1', 'role-granted.v1'] as const),
  ],
  followUps: {
    'role-request-opened.v1': ({ data: { subject: requester, ...asked }, personal }) => [
      (context) => new CompleteSubmission(context, { ...asked, requester, reason: personal?.reason }),
    ],
    'request-submitted.v1': ({ data }) => [(context) => new CloseOrphanedRequest(context, data)],
    'request-superseded.v1': ({ data, personal }) => [
      (context) => new OpenSuperseding(context, { ...data.by, reason: personal?.reason, supersedes: data.requestId }),
      makeRoom(data),
    ],
    'request-approved.v1': ({ data, position: approvedAt }) => [
      (context) => new GrantRequested(context, { ...data, approvedAt }),
      makeRoom(data),
    ],
    'request-rejected.v1': ({ data }) => [makeRoom(data)],
    'request-withdrawn.v1': ({ data }) => [makeRoom(data)],
    'request-closed.v1': ({ data }) => [makeRoom(data)],
    'request-grant-ended.v1': ({ data }) => [(context) => new EndRequestedRole(context, data)],
    'role-granted.v1': ({ data: { tenantId, replaced }, metadata }) =>
      replaced.flatMap(({ sources }) => grantsEnded(tenantId, sources, 'replaced', metadata)),
    'role-ended.v1': ({ data: { tenantId, subject, target, rolesAfter, sources, reason }, position, metadata }) => [
      ...grantsEnded(tenantId, sources, asGrantEnd(reason), metadata),
      ...(target.type === 'tenant' && rolesAfter.length === 0 ? [unlessMember(tenantId, subject, position)] : []),
    ],
    'tenant-admin-ended.v1': ({ data: { tenantId, userId, sources, reason, ...left }, position, metadata }) => [
      ...grantsEnded(tenantId, sources, asGrantEnd(reason), metadata),
      ...(left.stillAdmin || left.becomesMember
        ? []
        : [unlessMember(tenantId, { type: 'user', id: userId }, position)]),
    ],
    'tenant-member-removed.v1': ({ data: { tenantId, userId, reason: why }, position }) => {
      const reason = why === 'user-deactivated' ? 'requester-deactivated' : 'requester-removed';
      return [close({ tenantId, reason, requesterId: userId }, position)];
    },
    'tenant-service-account-removed.v1': ({ data: { tenantId, serviceAccountId: requesterId }, position }) => [
      close({ tenantId, reason: 'requester-removed', requesterId }, position),
    ],
    'user-deactivated.v1': ({ data: { userId }, position }) => [
      close({ tenantId: null, reason: 'requester-deactivated', requesterId: userId }, position),
    ],
    'service-account-deleted.v1': ({ data: { tenantId, serviceAccountId, reason }, position }) => {
      // With its tenant everything is closed anyway.
      if (reason === 'tenant-deleted') return [];
      return [close({ tenantId, reason: 'requester-deactivated', requesterId: serviceAccountId }, position)];
    },
    'workspace-deleted.v1': ({ data: { tenantId, workspaceId }, position }) => [
      close({ tenantId, reason: 'target-deleted', workspaceId }, position),
    ],
    'role-deleted.v1': ({ data: { tenantId, roleId, reason }, position }) =>
      // What goes with the tenant is closed with it.
      reason === 'tenant-deleted' ? [] : [close({ tenantId, reason: 'role-deleted', roleId }, position)],
    'tenant-deletion-started.v1': ({ data: { tenantId }, position }) => [
      close({ tenantId, reason: 'tenant-deleted' }, position),
    ],
  },
});

function makeRoom({ requestId, tenantId, requester: subject, role, target }: Omit<RoleWanted, 'until'>): FollowUp {
  return (context) => new CloseRoleRequest(context, { requestId, tenantId, subject, role, target });
}

function close(ended: Ended, position: number): FollowUp {
  return (context) => new CloseRequests(context, { ended, position });
}

/** Of a membership that ended otherwise than by a removal: by its time, or with the assignment. */
function unlessMember(tenantId: string, requester: Subject, position: number): FollowUp {
  return (context) => new CloseRequestsUnlessMember(context, { tenantId, requester, position });
}

function grantsEnded(
  tenantId: string,
  sources: readonly string[],
  reason: GrantEndReason,
  { actor }: EventMetadata,
): FollowUp[] {
  const by = principalOf(actor);
  return requestsAmong(sources).map(
    (requestId) => (context) => new EndRequestGrant(context, { requestId, tenantId, reason, by }),
  );
}

const TOLD: ReadonlySet<string> = new Set(['revoked', 'expired', 'replaced', 'role-changed', 'role-deleted']);

function asGrantEnd(reason: RoleEnded['data']['reason'] | TenantAdminEnded['data']['reason']): GrantEndReason {
  return TOLD.has(reason) ? (reason as GrantEndReason) : 'removed';
}

function principalOf({ type, id, onBehalfOf }: EventMetadata['actor']): Subject | null {
  const principal = onBehalfOf ?? { type, id };
  return principal.type === 'user' || principal.type === 'service_account'
    ? { type: principal.type, id: principal.id }
    : null;
}
