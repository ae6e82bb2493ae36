import type { Subject } from '../assignments/index.js';
import type { CommandContext, Decider, DeciderRuntime, Decision, Loaded } from '../event-store/index.js';
import { Refused } from '../platform/index.js';
import { type Approval, approval, type ApprovalEvent, recordDecision, type Verdict } from './approval.decider.js';
import {
  type AccessRequest,
  accessRequest,
  approveRequest,
  type Circumstances,
  rejectRequest,
  type RequestEvent,
  type SubmittedRequest,
} from './request.decider.js';

export const REQUESTS_PROCESS = 'requests';

/** A request and its approval: two models in one stream, so that whatever happens to them has one order. */
export interface RequestState {
  request: AccessRequest;
  approval: Approval;
}
export type RequestStreamEvent = RequestEvent | ApprovalEvent;
export type SubmittedState = RequestState & { request: SubmittedRequest };

export const requestStream: Decider<RequestState, RequestStreamEvent> = {
  name: 'request-stream',
  initial: { request: accessRequest.initial, approval: approval.initial },
  evolve: (state, event, position) =>
    event.type === 'approval-decision-recorded.v1'
      ? { ...state, approval: approval.evolve(state.approval, event, position) }
      : { ...state, request: accessRequest.evolve(state.request, event, position) },
};

export interface DecisionTaken {
  by: Subject;
  verdict: Verdict;
  note?: string;
  /** Of who decides, as it is now. */
  reviewerName?: string;
  circumstances: Circumstances;
  /** Of a role of the tenant: the revision whose permissions the decider was found to hold. */
  judgedRevision?: number;
  at: string;
}

/** The decision of the approval and what it makes of the request, in one append. */
export function decideRequest(command: DecisionTaken, state: RequestState): Decision<RequestStreamEvent> {
  const { by, verdict, note, reviewerName, at } = command;
  const decide = verdict === 'approved' ? approveRequest : rejectRequest;
  const decided = decide(command, state.request);
  if ('refused' in decided) return decided;
  const { requestId, tenantId } = state.request as SubmittedRequest;
  const recorded = recordDecision({ requestId, tenantId, by, verdict, note, reviewerName, at }, state.approval);
  return 'refused' in recorded ? recorded : [...recorded, ...decided];
}

export interface RequestKey {
  tenantId: string;
  requestId: string;
  /** The revision of the request that the caller saw. */
  ifRevision?: number;
}

const streamOf = (requestId: string): string => `request-${requestId}`;

/** A request of another tenant is not found. */
export function executeOnRequest(
  runtime: DeciderRuntime,
  context: CommandContext,
  { tenantId, requestId, ifRevision }: RequestKey,
  decide: (state: RequestState) => Decision<RequestStreamEvent>,
) {
  return runtime.execute({
    stream: streamOf(requestId),
    decider: requestStream,
    tenantId,
    context,
    decide: (state) => {
      if (isForeign(state, tenantId)) return { refused: 'not-found' };
      return isStale({ ifRevision }, state) ? { refused: 'stale-revision' } : decide(state);
    },
  });
}

export function loadRequest(runtime: DeciderRuntime, requestId: string): Promise<Loaded<RequestState>> {
  return runtime.load(streamOf(requestId), requestStream);
}

/** The request as far as this process has looked; undefined where it has not. */
export function seenRequest(runtime: DeciderRuntime, requestId: string): Loaded<RequestState> | undefined {
  return runtime.seen(streamOf(requestId), requestStream);
}

/** The request right after the events of a command; as of now where it put none there. */
export function requestAsOf(
  runtime: DeciderRuntime,
  requestId: string,
  commandId: string,
): Promise<Loaded<RequestState>> {
  return runtime.asOf(streamOf(requestId), requestStream, commandId);
}

/** What a command put there, as far as this process has looked; undefined where it has not. */
export function seenOnRequest(runtime: DeciderRuntime, requestId: string, commandId: string) {
  return runtime.repeated(streamOf(requestId), requestStream, commandId, { asSeen: true });
}

/** @throws Refused `not-found` where the tenant has no such request */
export async function requireRequest(runtime: DeciderRuntime, key: RequestKey): Promise<SubmittedState> {
  const { state } = await loadRequest(runtime, key.requestId);
  if (!isSubmitted(state) || isForeign(state, key.tenantId)) throw new Refused('not-found');
  return state;
}

export function isSubmitted(state: RequestState): state is SubmittedState {
  return state.request.status !== 'absent';
}

export function isStale({ ifRevision }: Pick<RequestKey, 'ifRevision'>, state: RequestState): boolean {
  return ifRevision !== undefined && isSubmitted(state) && ifRevision !== state.request.revision;
}

function isForeign(state: RequestState, tenantId: string): boolean {
  return isSubmitted(state) && state.request.tenantId !== tenantId;
}
