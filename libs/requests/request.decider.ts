import type { RoleName, Subject, Target } from '../assignments/index.js';
import type { Decider, Decision, DomainEvent } from '../event-store/index.js';

/** What is asked for; carried whole by the first event, so that whoever completes the command needs nothing else. */
export interface RoleAsked {
  requestId: string;
  tenantId: string;
  requester: Subject;
  role: RoleName;
  target: Target;
  until: string | null;
  /** Roles the requester held on the target when asking. */
  rolesHeld: readonly RoleName[];
}

interface Decided {
  requestId: string;
  tenantId: string;
  by: Subject;
  rolesBefore: readonly RoleName[];
  rolesAfter: readonly RoleName[];
  revision: number;
  at: string;
}

export type RequestSubmitted = DomainEvent<'request-submitted.v1', RoleAsked & { at: string }, { reason?: string }>;
export type RequestApproved = DomainEvent<
  'request-approved.v1',
  Decided & Pick<RoleAsked, 'requester' | 'role' | 'target' | 'until'>
>;
export type RequestRejected = DomainEvent<
  'request-rejected.v1',
  Decided & Pick<RoleAsked, 'requester' | 'role' | 'target'>
>;
interface Closed {
  requestId: string;
  tenantId: string;
  requester: Subject;
  role: RoleName;
  target: Target;
  revision: number;
  at: string;
}
export type RequestWithdrawn = DomainEvent<'request-withdrawn.v1', Closed>;
export type RequestSuperseded = DomainEvent<'request-superseded.v1', Closed & { by: RoleAsked }, { reason?: string }>;
export type RequestClosed = DomainEvent<'request-closed.v1', Closed & { reason: CloseReason }>;
/** The grant of an approved request ended: taken back, or past its end. */
export type RequestGrantEnded = DomainEvent<
  'request-grant-ended.v1',
  Closed & { reason: 'revoked' | 'expired'; by: Subject | null },
  { note?: string }
>;
export type CloseReason = 'target-deleted' | 'tenant-deleted' | 'requester-removed' | 'expired';
export type RequestEvent =
  | RequestSubmitted
  | RequestApproved
  | RequestRejected
  | RequestWithdrawn
  | RequestSuperseded
  | RequestClosed
  | RequestGrantEnded;

export type RequestStatus =
  | 'pending'
  | 'approved'
  | 'rejected'
  | 'withdrawn'
  | 'superseded'
  | 'closed'
  | 'revoked'
  | 'expired';

export interface SubmittedRequest extends RoleAsked {
  status: RequestStatus;
  reason: string | null;
  closeReason: string | null;
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
  'request-closed.v1': 'closed',
} as const;

export const accessRequest: Decider<AccessRequest, RequestEvent> = {
  name: 'request',
  initial: { status: 'absent' },
  evolve: (state, event) => {
    if (event.type === 'request-submitted.v1') {
      const { at, ...asked } = event.data;
      const times = { createdAt: at, updatedAt: at, revision: 1 };
      return { ...asked, status: 'pending', reason: event.personal?.reason ?? null, closeReason: null, ...times };
    }
    if (state.status === 'absent') return state;
    const changed = { ...state, updatedAt: event.data.at, revision: state.revision + 1 };
    if (event.type === 'request-grant-ended.v1') return { ...changed, status: event.data.reason };
    const closeReason = event.type === 'request-closed.v1' ? event.data.reason : null;
    return { ...changed, status: CLOSED_AS[event.type], closeReason };
  },
};

export function submitRequest(
  command: RoleAsked & { reason?: string; at: string },
  state: AccessRequest,
): Decision<RequestEvent> {
  if (state.status !== 'absent') return [];
  const { reason, ...data } = command;
  return [{ type: 'request-submitted.v1', data, ...(reason !== undefined && { personal: { reason } }) }];
}

interface Decide {
  by: Subject;
  /** Roles the requester holds on the target now. */
  rolesHeld: readonly RoleName[];
  at: string;
}

export function approveRequest(command: Decide, state: AccessRequest): Decision<RequestEvent> {
  const refusal = refuseDecision(command, state);
  if (refusal) return refusal;
  const { requestId, tenantId, requester, role, target, until } = state as SubmittedRequest;
  const { by, rolesHeld: rolesBefore, at } = command;
  if (until !== null && until <= at) return { refused: 'until-passed' };
  const rolesAfter = [...new Set([...rolesBefore, role])];
  const revision = (state as SubmittedRequest).revision + 1;
  const data = { requestId, tenantId, requester, role, target, until, by, rolesBefore, rolesAfter, revision, at };
  return [{ type: 'request-approved.v1', data }];
}

export function rejectRequest(command: Decide, state: AccessRequest): Decision<RequestEvent> {
  const refusal = refuseDecision(command, state);
  if (refusal) return refusal;
  const { requestId, tenantId, requester, role, target } = state as SubmittedRequest;
  const { by, rolesHeld, at } = command;
  const revision = (state as SubmittedRequest).revision + 1;
  const roles = { rolesBefore: rolesHeld, rolesAfter: rolesHeld };
  const data = { requestId, tenantId, requester, role, target, by, ...roles, revision, at };
  return [{ type: 'request-rejected.v1', data }];
}

function refuseDecision(command: Decide, state: AccessRequest) {
  if (state.status === 'absent') return { refused: 'not-found' };
  if (same(state.requester, command.by)) return { refused: 'own-request' };
  if (state.status !== 'pending') return { refused: 'request-not-pending', extra: { requestStatus: state.status } };
  return undefined;
}

export function withdrawRequest(command: { by: Subject; at: string }, state: AccessRequest): Decision<RequestEvent> {
  if (state.status === 'absent' || !same(state.requester, command.by)) return { refused: 'not-found' };
  if (state.status === 'withdrawn') return [];
  if (state.status !== 'pending') return { refused: 'request-not-pending', extra: { requestStatus: state.status } };
  return [{ type: 'request-withdrawn.v1', data: closing(state, command.at) }];
}

export function supersedeRequest(
  command: { by: RoleAsked; reason?: string; at: string },
  state: AccessRequest,
): Decision<RequestEvent> {
  if (state.status === 'absent' || !same(state.requester, command.by.requester)) return { refused: 'not-found' };
  if (state.status !== 'pending') return { refused: 'request-not-pending', extra: { requestStatus: state.status } };
  const { by, reason, at } = command;
  const personal = reason === undefined ? undefined : { reason };
  return [{ type: 'request-superseded.v1', data: { ...closing(state, at), by }, ...(personal && { personal }) }];
}

export function closeRequest(command: { reason: CloseReason; at: string }, state: AccessRequest): Decision<RequestEvent> {
  if (state.status !== 'pending') return [];
  return [{ type: 'request-closed.v1', data: { ...closing(state, command.at), reason: command.reason } }];
}

export function endRequestGrant(
  command: { reason: 'revoked' | 'expired'; by: Subject | null; note?: string; at: string },
  state: AccessRequest,
): Decision<RequestEvent> {
  if (state.status === 'absent') return { refused: 'not-found' };
  if (state.status === 'revoked' || state.status === 'expired') return [];
  if (state.status !== 'approved') return { refused: 'request-not-approved', extra: { requestStatus: state.status } };
  const { reason, by, note, at } = command;
  const data = { ...closing(state, at), reason, by };
  return [{ type: 'request-grant-ended.v1', data, ...(note !== undefined && { personal: { note } }) }];
}

function closing(request: SubmittedRequest, at: string): Closed {
  const { requestId, tenantId, requester, role, target, revision } = request;
  return { requestId, tenantId, requester, role, target, revision: revision + 1, at };
}

function same(a: Subject, b: Subject): boolean {
  return a.type === b.type && a.id === b.id;
}
