import type { RoleName, Subject, Target } from '../assignments/index.js';
import type { Accepted } from '../edge/index.js';
import type { DeciderRuntime } from '../event-store/index.js';
import { Refused } from '../platform/index.js';
import { findServiceAccount } from '../service-accounts/index.js';
import { loadUser } from '../users/index.js';
import { approval } from './approval.decider.js';
import type { RequestStatus, SubmittedRequest } from './request.decider.js';
import { isSubmitted, type RequestState, type SubmittedState } from './request-stream.js';

/** Somebody as they are known today; who is gone keeps the name of then. */
export interface Identity {
  type: Subject['type'];
  id: string;
  displayName: string | null;
  active: boolean;
}
export interface RequestResource {
  id: string;
  kind: 'role';
  tenantId: string;
  requester: Identity;
  role: RoleName;
  target: Target;
  until: string | null;
  reason: string | null;
  status: RequestStatus;
  /** Why it was closed, or why its grant ended. */
  closeReason: SubmittedRequest['closeReason'];
  revocationNote: string | null;
  reviewNote: string | null;
  reviewer: Identity | null;
  reviewedAt: string | null;
  createdAt: string;
  updatedAt: string;
}

/** @param known the requester, where the caller has looked already */
export async function acceptedRequest(
  runtime: DeciderRuntime,
  state: RequestState,
  position: number,
  known?: Identity,
): Promise<Accepted<RequestResource>> {
  if (!isSubmitted(state)) throw new Refused('not-found');
  const { requestId: id, requester, requesterName, ...request } = state.request;
  const [decision] = state.approval.decisions;
  const { tenantId, role, target, until, reason, status, closeReason, revocationNote } = request;
  const resource: RequestResource = {
    ...{ id, kind: 'role', tenantId },
    requester: known
      ? { ...known, displayName: known.displayName ?? requesterName }
      : await identityOf(runtime, requester, requesterName),
    ...{ role, target: { type: target.type, id: target.id }, until, reason, status, closeReason, revocationNote },
    reviewNote: decision?.note ?? null,
    reviewer: decision ? await identityOf(runtime, decision.by, decision.reviewerName) : null,
    reviewedAt: decision?.at ?? null,
    createdAt: request.createdAt,
    updatedAt: request.updatedAt,
  };
  return { resource, revision: request.revision, position };
}

/** The request as its submission was answered, whatever happened to it since. */
export function asSubmitted({ request }: SubmittedState): SubmittedState {
  const open = { status: 'pending' as const, closeReason: null, endedBy: null, revocationNote: null };
  return { request: { ...request, ...open, updatedAt: request.createdAt, revision: 1 }, approval: approval.initial };
}

/** @param nameThen for who is not known any more */
export async function identityOf(
  runtime: DeciderRuntime,
  { type, id }: Subject,
  nameThen: string | null,
): Promise<Identity> {
  if (type === 'service_account') {
    const account = await findServiceAccount(runtime, id);
    return { type, id, displayName: account?.name ?? nameThen, active: account?.active ?? false };
  }
  const user = await loadUser(runtime, id);
  if (user.status === 'absent') return { type, id, displayName: nameThen, active: false };
  return { type, id, displayName: user.displayName ?? nameThen, active: user.status === 'active' };
}
