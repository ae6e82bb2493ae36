import { given } from '../testing/index.js';
import { approval, recordDecision } from './approval.decider.js';
import { well } from './request-events.fixture.js';
import { decideRequest, requestStream, type RequestStreamEvent } from './request-stream.js';

const at = '2026-01-02T03:04:05.000Z';
const ann = { type: 'user' as const, id: 'ann' };
const adm = { type: 'user' as const, id: 'adm' };
const target = { type: 'tenant' as const, id: 't1' };
const about = { requestId: 'r1', tenantId: 't1', requester: ann, role: 'admin' as const, target };
const submitted: RequestStreamEvent = {
  type: 'request-submitted.v1',
  data: { ...about, until: null, rolesHeld: ['member'], at },
  personal: {},
};
const approve = { by: adm, verdict: 'approved' as const, note: 'ok', reviewerName: 'Adm', circumstances: well, at };
const decided = { requestId: 'r1', tenantId: 't1', by: adm, verdict: 'approved' as const, at };
const recorded: RequestStreamEvent = {
  type: 'approval-decision-recorded.v1',
  data: decided,
  personal: { note: 'ok', reviewerName: 'Adm' },
};
const approved: RequestStreamEvent = {
  type: 'request-approved.v1',
  data: { ...about, revision: 2, at, until: null, by: adm, rolesBefore: ['member'], rolesAfter: ['member', 'admin'] },
};

describe('deciding', () => {
  it('records the decision and what it makes of the request, in one append (RR-019, RR-040)', () => {
    given(requestStream, [submitted])
      .when((state) => decideRequest(approve, state))
      .then([recorded, approved]);
  });

  it('keeps reviewer, note and time (RR-019, RR-021, RR-037)', () => {
    const { state } = given(requestStream, [submitted, recorded, approved]);
    expect(state.request.status).toBe('approved');
    expect(state.approval.decisions).toEqual([{ by: adm, reviewerName: 'Adm', verdict: 'approved', note: 'ok', at }]);
  });

  it('rejects in the same way (RR-021)', () => {
    const roles = { rolesBefore: ['member' as const], rolesAfter: ['member' as const] };
    given(requestStream, [submitted])
      .when((state) => decideRequest({ ...approve, verdict: 'rejected', note: undefined }, state))
      .then([
        { ...recorded, data: { ...decided, verdict: 'rejected' }, personal: { reviewerName: 'Adm' } },
        { type: 'request-rejected.v1', data: { ...about, revision: 2, at, by: adm, ...roles } },
      ]);
  });

  it.each(['approved', 'rejected'] as const)('happens once: %s is refused after it (RR-022, RR-028)', (verdict) => {
    given(requestStream, [submitted, recorded, approved])
      .when((state) => decideRequest({ ...approve, verdict }, state))
      .thenRefused('request-not-pending', { extra: { requestStatus: 'approved' } });
  });

  it('records nothing that the request refuses (RR-024)', () => {
    given(requestStream, [submitted])
      .when((state) => decideRequest({ ...approve, by: ann }, state))
      .thenRefused('own-request');
  });
});

test('an approval takes no second decision (RR-022)', () => {
  given(approval, [{ type: 'approval-decision-recorded.v1', data: decided }])
    .when((state) => recordDecision({ ...decided, verdict: 'rejected', by: { type: 'user', id: 'other' } }, state))
    .thenRefused('request-not-pending', { extra: { requestStatus: 'approved' } });
});
