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
  evolve: (state, event) => {
    const { by, verdict, at } = event.data;
    return { decisions: [...state.decisions, { by, verdict, note: event.personal?.note ?? null, at }] };
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

export function recordDecision(command: RecordDecision, state: Approval): Decision<ApprovalEvent> {
  const { requestId, tenantId, by, verdict, note, reviewerName, at } = command;
  if (outcome(state)) return [];
  if (state.decisions.some((decision) => decision.by.type === by.type && decision.by.id === by.id)) {
    return { refused: 'already-decided-by-you' };
  }
  const personal = { ...(note !== undefined && { note }), ...(reviewerName !== undefined && { reviewerName }) };
  return [{ type: 'approval-decision-recorded.v1', data: { requestId, tenantId, by, verdict, at }, personal }];
}

/** The first decision is the verdict. */
export function outcome({ decisions }: Approval): Verdict | undefined {
  return decisions[0]?.verdict;
}
