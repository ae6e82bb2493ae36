import { given } from '../testing/index.js';
import {
  accessRequest,
  approveRequest,
  rejectRequest,
  requestsAmong,
  sourceOf,
  submitRequest,
  supersedeRequest,
  withdrawRequest,
  type RequestEvent,
} from './request.decider.js';
import {
  at,
  later,
  until,
  ann,
  adm,
  wanted,
  asked,
  submitted,
  approved,
  rejected,
  withdrawn,
  superseded,
  decision,
  notPending,
} from './request-events.fixture.js';

describe('submitting', () => {
  it('records what is asked for, by whom, and what they hold (RR-001, RR-040)', () => {
    given(accessRequest)
      .when((state) => submitRequest({ ...asked, reason: 'please', requesterName: 'Ann', at }, state))
      .then([
        { type: 'request-submitted.v1', data: { ...asked, at }, personal: { reason: 'please', requesterName: 'Ann' } },
      ]);
  });

  it('leaves a pending request that nobody has reviewed (RR-001)', () => {
    const { state } = given(accessRequest, [submitted]);
    const open = { closeReason: null, endedBy: null, revocationNote: null, requesterName: null, reason: 'please' };
    expect(state).toEqual({
      ...asked,
      ...open,
      status: 'pending',
      since: 0,
      createdAt: at,
      updatedAt: at,
      revision: 1,
    });
  });

  it('happens once, however often it is completed', () => {
    given(accessRequest, [submitted])
      .when((state) => submitRequest({ ...asked, at }, state))
      .thenNothing();
  });

  it('says nothing personal where neither a reason nor a name is given', () => {
    given(accessRequest)
      .when((state) => submitRequest({ ...asked, at }, state))
      .then([{ type: 'request-submitted.v1', data: { ...asked, at }, personal: {} }]);
  });
});

test('what is told of a request that was never submitted leaves it absent', () => {
  expect(given(accessRequest, [approved, rejected, withdrawn]).state).toEqual({ status: 'absent' });
});

describe('approving', () => {
  it('carries the roles before and after, and all that the grant needs (RR-019, RR-040)', () => {
    given(accessRequest, [submitted])
      .when((state) => approveRequest(decision(), state))
      .then([approved]);
  });

  it('names a role that is held from elsewhere only once', () => {
    given(accessRequest, [submitted])
      .when((state) => approveRequest(decision({ rolesHeld: ['editor'] }), state))
      .then([
        { ...approved, data: { ...approved.data, rolesBefore: ['editor'], rolesAfter: ['editor'] } } as RequestEvent,
      ]);
  });

  it('is not for what was never submitted (RR-026)', () => {
    given(accessRequest)
      .when((state) => approveRequest(decision(), state))
      .thenRefused('not-found');
  });

  it('is not for the requester (RR-024)', () => {
    given(accessRequest, [submitted])
      .when((state) => approveRequest(decision({}, ann), state))
      .thenRefused('own-request');
  });

  it.each(notPending)('is not possible after %s (RR-022, RR-023)', (_type, event) => {
    given(accessRequest, [submitted, event])
      .when((state) => approveRequest(decision(), state))
      .thenRefused('request-not-pending');
  });

  it('says what the request has become (RR-022)', () => {
    given(accessRequest, [submitted, rejected])
      .when((state) => approveRequest(decision(), state))
      .thenRefused('request-not-pending', { extra: { requestStatus: 'rejected' } });
  });

  it.each([
    ['the tenant is being deleted', { tenantExists: false }],
    ['the target is gone', { targetExists: false }],
  ])('is refused once %s (RR-039)', (_what, circumstances) => {
    given(accessRequest, [submitted])
      .when((state) => approveRequest(decision(circumstances), state))
      .thenRefused('target-gone');
  });

  it('is refused once the role is not requestable any more (RR-038)', () => {
    given(accessRequest, [submitted])
      .when((state) => approveRequest(decision({ requestable: false }), state))
      .thenRefused('role-not-requestable-any-more');
  });

  it.each([
    ['deactivated', { requesterActive: false }],
    ['no member any more', { requesterIsMember: false }],
    ['removed since, even if they came back', { requesterRemovedAt: 1 }],
  ])('is refused for a requester who is %s (X-006)', (_who, circumstances) => {
    given(accessRequest, [submitted])
      .when((state) => approveRequest(decision(circumstances), state))
      .thenRefused('requester-gone');
  });

  it('is refused for a requester who is suspended', () => {
    given(accessRequest, [submitted])
      .when((state) => approveRequest(decision({ requesterSuspended: true }), state))
      .thenRefused('requester-suspended');
  });

  it('is refused when the time that was asked for is over', () => {
    given(accessRequest, [submitted])
      .when((state) => approveRequest({ ...decision(), at: until }, state))
      .thenRefused('request-until-passed');
  });

  it('has no time to be over where none was asked for', () => {
    const unbounded = { ...submitted, data: { ...asked, until: null, at } } as RequestEvent;
    given(accessRequest, [unbounded])
      .when((state) => approveRequest(decision(), state))
      .then([{ ...approved, data: { ...approved.data, until: null } } as RequestEvent]);
  });

  describe('for a role of the tenant', () => {
    const approve = (judgedRevision: number | undefined, roleWidenedAt: number) =>
      given(accessRequest, [submitted]).when((state) =>
        approveRequest({ ...decision({ roleWidenedAt }), judgedRevision }, state),
      );

    it.each([3, 4])('says which revision the decider was found to hold all of: %s, of one widened in 3', (judged) => {
      approve(judged, 3).then([{ ...approved, data: { ...approved.data, roleRevision: judged } } as RequestEvent]);
    });

    it.each([2, undefined])('is refused where the decider was found to hold less than it allows: %s', (judged) => {
      approve(judged, 3).thenRefused('role-changed-meanwhile');
    });
  });
});

describe('rejecting', () => {
  it('leaves the roles as they are (RR-021, RR-040)', () => {
    given(accessRequest, [submitted])
      .when((state) => rejectRequest(decision(), state))
      .then([rejected]);
  });

  it('is possible for what can not be approved any more (RR-038)', () => {
    const circumstances = { requestable: false, requesterActive: false, requesterIsMember: false };
    given(accessRequest, [submitted])
      .when((state) => rejectRequest({ ...decision(circumstances), at: until }, state))
      .then([{ ...rejected, data: { ...rejected.data, at: until } } as RequestEvent]);
  });

  it('is not for the requester (RR-024)', () => {
    given(accessRequest, [submitted])
      .when((state) => rejectRequest(decision({}, ann), state))
      .thenRefused('own-request');
  });

  it('is refused once the target is gone (RR-039)', () => {
    given(accessRequest, [submitted])
      .when((state) => rejectRequest(decision({ targetExists: false }), state))
      .thenRefused('target-gone');
  });

  it('is not for what was never submitted (RR-026)', () => {
    given(accessRequest)
      .when((state) => rejectRequest(decision(), state))
      .thenRefused('not-found');
  });

  it.each(notPending)('is not possible after %s (RR-022)', (_type, event) => {
    given(accessRequest, [submitted, event])
      .when((state) => rejectRequest(decision(), state))
      .thenRefused('request-not-pending');
  });
});

describe('withdrawing', () => {
  it('closes a pending request', () => {
    given(accessRequest, [submitted])
      .when((state) => withdrawRequest({ by: ann, at: later }, state))
      .then([withdrawn]);
  });

  it('is a no-op the second time', () => {
    given(accessRequest, [submitted, withdrawn])
      .when((state) => withdrawRequest({ by: ann, at: later }, state))
      .thenNothing();
  });

  it('is for nobody but the requester', () => {
    given(accessRequest, [submitted])
      .when((state) => withdrawRequest({ by: adm, at: later }, state))
      .thenRefused('not-found');
  });

  it('is not for what was never submitted', () => {
    given(accessRequest)
      .when((state) => withdrawRequest({ by: ann, at: later }, state))
      .thenRefused('not-found');
  });

  it.each(notPending.filter(([type]) => type !== 'request-withdrawn.v1'))(
    'is not possible after %s',
    (_type, event) => {
      given(accessRequest, [submitted, event])
        .when((state) => withdrawRequest({ by: ann, at: later }, state))
        .thenRefused('request-not-pending');
    },
  );
});

describe('superseding (RR-005)', () => {
  const by = { ...wanted, requestId: 'r2' };

  it('closes the open request and carries the new one', () => {
    given(accessRequest, [submitted])
      .when((state) => supersedeRequest({ by, reason: 'longer', at: later }, state))
      .then([superseded]);
  });

  it('says nothing personal where no reason is given', () => {
    const { personal: _personal, ...silent } = superseded;
    given(accessRequest, [submitted])
      .when((state) => supersedeRequest({ by, at: later }, state))
      .then([silent as RequestEvent]);
  });

  it('waits for an open request that is not submitted yet', () => {
    given(accessRequest)
      .when((state) => supersedeRequest({ by, at: later }, state))
      .thenRefused('not-yet');
  });

  it('is for nobody but the requester', () => {
    given(accessRequest, [submitted])
      .when((state) => supersedeRequest({ by: { ...by, requester: adm }, at: later }, state))
      .thenRefused('not-found');
  });

  it.each(notPending)('is not possible after %s', (_type, event) => {
    given(accessRequest, [submitted, event])
      .when((state) => supersedeRequest({ by, at: later }, state))
      .thenRefused('request-not-pending');
  });
});

test('the source of a grant names its request', () => {
  expect(requestsAmong(['direct', sourceOf('r1'), 'creation', sourceOf('r2')])).toEqual(['r1', 'r2']);
});
