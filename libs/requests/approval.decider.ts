import type { Subject } from '../assignments/index.js';
import type { Decider, Decision, DomainEvent } from '../event-store/index.js';

export type Verdict = 'approved' | 'rejected';

export type ApprovalDecisionRecorded = DomainEvent<
  'approval-decision-recorded.v1',
  { requestId: string; tenantId: string; by: Subject; verdict: Verdict; at: string },
  { note?: string; reviewerName?: string }
>;
export type ApprovalEvent = ApprovalDecisionRecorded;

export interface RecordedDecision {
  by: Subject;
  /** As it was at the time. */
  reviewerName: string | null;
  verdict: Verdict;
  note: string | null;
  at: string;
}
/** Who decided what. */
export interface Approval {
  decisions: readonly RecordedDecision[];
}

export const approval: Decider<Approval, ApprovalEvent> = {
  name: 'approval',
  initial: { decisions: [] },
  evolve: (state, { data: { by, verdict, at }, personal }) => {
    const { note = null, reviewerName = null } = personal ?? {};
    return { decisions: [...state.decisions, { by, reviewerName, verdict, note, at }] };
  },
};

export interface RecordDecision {
  requestId: string;
  tenantId: string;
  by: Subject;
  verdict: Verdict;
  note?: string;
  reviewerName?: string;
  at: string;
}

/** The first decision is the verdict: there is no second one. */
export function recordDecision(command: RecordDecision, state: Approval): Decision<ApprovalEvent> {
  const { requestId, tenantId, by, verdict, note, reviewerName, at } = command;
  const [decided] = state.decisions;
  if (decided) return { refused: 'request-not-pending', extra: { requestStatus: decided.verdict } };
  const personal = { ...(note !== undefined && { note }), ...(reviewerName !== undefined && { reviewerName }) };
  return [{ type: 'approval-decision-recorded.v1', data: { requestId, tenantId, by, verdict, at }, personal }];
}
