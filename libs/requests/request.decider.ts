import type { RoleName, Subject, Target } from '../assignments/index.js';
import type { Decider, Decision, DomainEvent, Refusal } from '../event-store/index.js';

/** What is asked for; carried whole by the first event, so that whoever completes the command needs nothing else. */
export interface RoleWanted {
  requestId: string;
  tenantId: string;
  requester: Subject;
  role: RoleName;
  target: Target;
  until: string | null;
}
export interface RoleAsked extends RoleWanted {
  /** Roles the requester held on the target when asking. */
  rolesHeld: readonly RoleName[];
}

interface OnRequest {
  requestId: string;
  tenantId: string;
  requester: Subject;
  role: RoleName;
  target: Target;
  revision: number;
  at: string;
}
interface Decided extends OnRequest {
  by: Subject;
  rolesBefore: readonly RoleName[];
  rolesAfter: readonly RoleName[];
}

export type RequestSubmitted = DomainEvent<
  'request-submitted.v1',
  RoleAsked & { at: string },
  { reason?: string; requesterName?: string }
>;
export type RequestApproved = DomainEvent<
  'request-approved.v1',
  Decided & {
    until: string | null;
    /** Of a role of the tenant: the revision whose permissions the decider was found to hold. */
    roleRevision?: number;
  }
>;
export type RequestRejected = DomainEvent<'request-rejected.v1', Decided>;
export type RequestWithdrawn = DomainEvent<'request-withdrawn.v1', OnRequest>;
export type RequestSuperseded = DomainEvent<
  'request-superseded.v1',
  OnRequest & { by: RoleWanted },
  { reason?: string }
>;
export type RequestClosed = DomainEvent<'request-closed.v1', OnRequest & { reason: CloseReason }>;
/** The grant of an approved request ended: taken back, past its end, or gone with what it was on. */
export type RequestGrantEnded = DomainEvent<
  'request-grant-ended.v1',
  OnRequest & { reason: GrantEndReason; by: Subject | null }
>;
export type RequestRevocationNoted = DomainEvent<
  'request-revocation-noted.v1',
  OnRequest & { by: Subject },
  { note: string }
>;
export type CloseReason =
  'target-deleted' | 'tenant-deleted' | 'role-deleted' | 'requester-removed' | 'requester-deactivated';
export type GrantEndReason =
  | 'revoked'
  | 'expired'
  /** The role was taken from the requester, whatever its sources. */
  | 'removed'
  | 'replaced'
  /** The role was changed at the same time, to allow more than the decider was found to hold. */
  | 'role-changed'
  /** The grant that should have followed was refused. */
  | 'not-granted'
  | CloseReason;
export type RequestEvent =
  | RequestSubmitted
  | RequestApproved
  | RequestRejected
  | RequestWithdrawn
  | RequestSuperseded
  | RequestClosed
  | RequestGrantEnded
  | RequestRevocationNoted;

export type RequestStatus =
  'pending' | 'approved' | 'rejected' | 'withdrawn' | 'superseded' | 'closed' | 'revoked' | 'expired';

export interface SubmittedRequest extends RoleAsked {
  status: RequestStatus;
  /** As it was when the request was submitted. */
  requesterName: string | null;
  reason: string | null;
  closeReason: CloseReason | GrantEndReason | null;
  /** Who ended the grant; null for nobody. */
  endedBy: Subject | null;
  revocationNote: string | null;
  /** Position of the submission. */
  since: number;
  createdAt: string;
  updatedAt: string;
  revision: number;
}
export type AccessRequest = { status: 'absent' } | SubmittedRequest;

const CLOSED_AS = {
  'request-approved.v1': 'approved',
  'request-rejected.v1': 'rejected',
  'request-withdrawn.v1': 'withdrawn',
  'request-superseded.v1': 'superseded',
} as const;

export const accessRequest: Decider<AccessRequest, RequestEvent> = {
  name: 'request',
  initial: { status: 'absent' },
  evolve: (state, event, position) => {
    if (event.type === 'request-submitted.v1') return submitted(event, position);
    if (state.status === 'absent') return state;
    const changed = { ...state, updatedAt: event.data.at, revision: event.data.revision };
    switch (event.type) {
      case 'request-closed.v1':
        return { ...changed, status: 'closed', closeReason: event.data.reason };
      case 'request-grant-ended.v1': {
        const { reason, by } = event.data;
        return { ...changed, status: statusAfter(reason), closeReason: reason, endedBy: by };
      }
      case 'request-revocation-noted.v1':
        return { ...changed, revocationNote: event.personal?.note ?? null };
      default:
        return { ...changed, status: CLOSED_AS[event.type] };
    }
  },
};

function submitted({ data, personal }: RequestSubmitted, since: number): SubmittedRequest {
  const { at, ...asked } = data;
  const { reason = null, requesterName = null } = personal ?? {};
  const open = { status: 'pending' as const, closeReason: null, endedBy: null, revocationNote: null };
  return { ...asked, ...open, requesterName, reason, since, createdAt: at, updatedAt: at, revision: 1 };
}

/** The status of a request whose grant ended. */
export function statusAfter(reason: GrantEndReason): 'expired' | 'revoked' {
  return reason === 'expired' ? 'expired' : 'revoked';
}

/** The source that a request's grant is. */
export function sourceOf(requestId: string): string {
  return `request:${requestId}`;
}

/** Ids of the requests among sources. */
export function requestsAmong(sources: readonly string[]): string[] {
  return sources.filter((source) => source.startsWith('request:')).map((source) => source.slice('request:'.length));
}

export function submitRequest(
  command: RoleAsked & { reason?: string; requesterName?: string; at: string },
  state: AccessRequest,
): Decision<RequestEvent> {
  if (state.status !== 'absent') return [];
  const { reason, requesterName, ...data } = command;
  const personal = { ...(reason !== undefined && { reason }), ...(requesterName !== undefined && { requesterName }) };
  return [{ type: 'request-submitted.v1', data, personal }];
}

/** What other streams say about a request, as of now. */
export interface Circumstances {
  tenantExists: boolean;
  targetExists: boolean;
  /** Whether the tenant lets the role be requested. */
  requestable: boolean;
  roleExists: boolean;
  /** Of a role of the tenant: the revision since which it allows nothing that it had not allowed before. */
  roleWidenedAt?: number;
  /** Not gone for good. */
  requesterActive: boolean;
  requesterSuspended: boolean;
  requesterIsMember: boolean;
  /** Position of the requester's last removal from the tenant. */
  requesterRemovedAt: number;
  /** Roles the requester holds on the target. */
  rolesHeld: readonly RoleName[];
}

export interface Decide {
  by: Subject;
  circumstances: Circumstances;
  /** Of a role of the tenant: the revision whose permissions the decider was found to hold. */
  judgedRevision?: number;
  at: string;
}

export function approveRequest(command: Decide, state: AccessRequest): Decision<RequestEvent> {
  if (state.status === 'absent') return { refused: 'not-found' };
  const { by, circumstances, judgedRevision, at } = command;
  const refusal = refuseDecision(command, state) ?? refuseApproval(command, state);
  if (refusal) return refusal;
  const { rolesHeld: rolesBefore } = circumstances;
  const rolesAfter = [...new Set([...rolesBefore, state.role])];
  const judged = judgedRevision === undefined ? {} : { roleRevision: judgedRevision };
  const data = { ...next(state, at), until: state.until, ...judged, by, rolesBefore, rolesAfter };
  return [{ type: 'request-approved.v1', data }];
}

export function rejectRequest(command: Decide, state: AccessRequest): Decision<RequestEvent> {
  if (state.status === 'absent') return { refused: 'not-found' };
  const refusal = refuseDecision(command, state);
  if (refusal) return refusal;
  const { rolesHeld } = command.circumstances;
  const data = { ...next(state, command.at), by: command.by, rolesBefore: rolesHeld, rolesAfter: rolesHeld };
  return [{ type: 'request-rejected.v1', data }];
}

function refuseDecision({ by, circumstances }: Decide, state: SubmittedRequest): Refusal | undefined {
  if (isSame(state.requester, by)) return { refused: 'own-request' };
  if (state.status !== 'pending') return notPending(state);
  if (!circumstances.tenantExists || !circumstances.targetExists) return { refused: 'target-gone' };
  return undefined;
}

function refuseApproval({ circumstances, judgedRevision, at }: Decide, state: SubmittedRequest): Refusal | undefined {
  if (!circumstances.requestable) return { refused: 'role-not-requestable-any-more' };
  const { requesterActive, requesterIsMember, requesterRemovedAt } = circumstances;
  if (!requesterActive || !requesterIsMember || requesterRemovedAt > state.since) return { refused: 'requester-gone' };
  if (circumstances.requesterSuspended) return { refused: 'requester-suspended' };
  if (state.until !== null && state.until <= at) return { refused: 'request-until-passed' };
  const { roleWidenedAt } = circumstances;
  if (roleWidenedAt !== undefined && (judgedRevision ?? 0) < roleWidenedAt)
    return { refused: 'role-changed-meanwhile' };
  return undefined;
}

export function withdrawRequest(command: { by: Subject; at: string }, state: AccessRequest): Decision<RequestEvent> {
  if (state.status === 'absent' || !isSame(state.requester, command.by)) return { refused: 'not-found' };
  if (state.status === 'withdrawn') return [];
  if (state.status !== 'pending') return notPending(state);
  return [{ type: 'request-withdrawn.v1', data: next(state, command.at) }];
}

export function supersedeRequest(
  command: { by: RoleWanted; reason?: string; at: string },
  state: AccessRequest,
): Decision<RequestEvent> {
  // The assignment names it as open: its submission is on the way.
  if (state.status === 'absent') return { refused: 'not-yet' };
  const { by, reason, at } = command;
  if (!isSame(state.requester, by.requester)) return { refused: 'not-found' };
  if (state.status !== 'pending') return notPending(state);
  const data = { ...next(state, at), by };
  return [{ type: 'request-superseded.v1', data, ...(reason !== undefined && { personal: { reason } }) }];
}

/** Closes what is pending and ends what is granted, where it was submitted before the position of the cause. */
export function closeRequest(
  command: { reason: CloseReason; before: number; at: string },
  state: AccessRequest,
): Decision<RequestEvent> {
  const { reason, before, at } = command;
  if (state.status === 'absent' || state.since >= before) return [];
  if (state.status === 'approved') return endRequestGrant({ reason, by: null, at }, state);
  return close(reason, at, state);
}

/** Closes a request that came after the end of what it names. */
export function closeOrphanedRequest(
  command: { circumstances: Circumstances; at: string },
  state: AccessRequest,
): Decision<RequestEvent> {
  const reason = reasonToClose(command.circumstances);
  return reason ? close(reason, command.at, state) : [];
}

function close(reason: CloseReason, at: string, state: AccessRequest): Decision<RequestEvent> {
  if (state.status !== 'pending') return [];
  return [{ type: 'request-closed.v1', data: { ...next(state, at), reason } }];
}

/** Why a request can't go on; undefined where it can. */
export function reasonToClose(circumstances: Circumstances): CloseReason | undefined {
  if (!circumstances.tenantExists) return 'tenant-deleted';
  if (!circumstances.targetExists) return 'target-deleted';
  if (!circumstances.roleExists) return 'role-deleted';
  if (!circumstances.requesterActive) return 'requester-deactivated';
  return circumstances.requesterIsMember ? undefined : 'requester-removed';
}

/** Whether a grant is there to be revoked; one that ended already needs nothing. */
export function refuseRevocation(state: AccessRequest): Refusal | undefined {
  if (state.status === 'absent') return { refused: 'not-found' };
  if (state.status === 'approved' || state.status === 'revoked' || state.status === 'expired') return undefined;
  return { refused: 'request-not-approved', extra: { requestStatus: state.status } };
}

export function endRequestGrant(
  command: { reason: GrantEndReason; by: Subject | null; at: string },
  state: AccessRequest,
): Decision<RequestEvent> {
  if (state.status !== 'approved') return [];
  const { reason, by, at } = command;
  return [{ type: 'request-grant-ended.v1', data: { ...next(state, at), reason, by } }];
}

/** Adds why the grant was revoked; only who revoked it knows. */
export function noteRevocation(
  command: { by: Subject; note: string; at: string },
  state: AccessRequest,
): Decision<RequestEvent> {
  const { by, note, at } = command;
  if (state.status !== 'revoked' || state.revocationNote !== null) return [];
  if (state.closeReason !== 'revoked' || !state.endedBy || !isSame(state.endedBy, by)) return [];
  return [{ type: 'request-revocation-noted.v1', data: { ...next(state, at), by }, personal: { note } }];
}

function notPending({ status }: SubmittedRequest): Refusal {
  return { refused: 'request-not-pending', extra: { requestStatus: status } };
}

function next({ requestId, tenantId, requester, role, target, revision }: SubmittedRequest, at: string): OnRequest {
  return { requestId, tenantId, requester, role, target, revision: revision + 1, at };
}

export function isSame(a: Subject, b: Subject): boolean {
  return a.type === b.type && a.id === b.id;
}
