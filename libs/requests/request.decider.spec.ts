import { given } from '../testing/index.js';
import {
  accessRequest,
  approveRequest,
  type Circumstances,
  closeLateRequest,
  closeRequest,
  endRequestGrant,
  noteRevocation,
  refuseRevocation,
  rejectRequest,
  type RequestEvent,
  requestsAmong,
  sourceOf,
  submitRequest,
  supersedeRequest,
  withdrawRequest,
} from './request.decider.js';

const at = '2026-01-02T03:04:05.000Z';
const later = '2026-01-02T04:00:00.000Z';
const until = '2026-06-01T00:00:00.000Z';
const ann = { type: 'user' as const, id: 'ann' };
const adm = { type: 'user' as const, id: 'adm' };
const target = { type: 'workspace' as const, id: 'w1' };
const wanted = { requestId: 'r1', tenantId: 't1', requester: ann, role: 'editor' as const, target, until };
const asked = { ...wanted, rolesHeld: ['member' as const] };
const about = { requestId: 'r1', tenantId: 't1', requester: ann, role: 'editor' as const, target };
const next = { ...about, revision: 2, at: later };
const roles = { rolesBefore: ['member' as const], rolesAfter: ['member' as const, 'editor' as const] };

const submitted: RequestEvent = {
  type: 'request-submitted.v1',
  data: { ...asked, at },
  personal: { reason: 'please' },
};
const approved: RequestEvent = { type: 'request-approved.v1', data: { ...next, until, by: adm, ...roles } };
const rejected: RequestEvent = {
  type: 'request-rejected.v1',
  data: { ...next, by: adm, rolesBefore: ['member'], rolesAfter: ['member'] },
};
const withdrawn: RequestEvent = { type: 'request-withdrawn.v1', data: next };
const superseded: RequestEvent = {
  type: 'request-superseded.v1',
  data: { ...next, by: { ...wanted, requestId: 'r2' } },
  personal: { reason: 'longer' },
};
const closed = (reason: 'target-deleted' | 'tenant-deleted' | 'requester-removed' | 'requester-deactivated') =>
  ({ type: 'request-closed.v1', data: { ...next, reason } }) satisfies RequestEvent;
const ended = (reason: 'revoked' | 'expired' | 'removed' | 'requester-removed', by: typeof adm | null = adm) =>
  ({ type: 'request-grant-ended.v1', data: { ...next, revision: 3, reason, by } }) satisfies RequestEvent;

const well: Circumstances = {
  tenantExists: true,
  targetExists: true,
  requestable: true,
  requesterActive: true,
  requesterIsMember: true,
  requesterRemovedAt: -1,
  rolesHeld: ['member'],
};
const decision = (changed: Partial<Circumstances> = {}, by = adm) => ({
  by,
  circumstances: { ...well, ...changed },
  at: later,
});
const notPending = [approved, rejected, withdrawn, superseded, closed('target-deleted')].map(
  (event) => [event.type, event] as const,
);

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

  it('is refused once the tenant is being deleted (RR-039)', () => {
    given(accessRequest, [submitted])
      .when((state) => approveRequest(decision({ tenantExists: false, targetExists: false }), state))
      .thenRefused('target-gone');
  });

  it('is refused once the target is gone (RR-039)', () => {
    given(accessRequest, [submitted])
      .when((state) => approveRequest(decision({ targetExists: false }), state))
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

  it('is refused when the time that was asked for is over', () => {
    given(accessRequest, [submitted])
      .when((state) => approveRequest({ ...decision(), at: until }, state))
      .thenRefused('request-until-passed');
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

describe('closing', () => {
  it.each(['target-deleted', 'tenant-deleted', 'requester-removed', 'requester-deactivated'] as const)(
    'gives a pending request the reason %s (X-005, X-006)',
    (reason) => {
      given(accessRequest, [submitted])
        .when((state) => closeRequest({ reason, before: 5, at: later }, state))
        .then([closed(reason)]);
      expect(given(accessRequest, [submitted, closed(reason)]).state).toMatchObject({
        status: 'closed',
        closeReason: reason,
      });
    },
  );

  it('ends the grant of an approved request, so that nothing of it outlives a member (X-006)', () => {
    given(accessRequest, [submitted, approved])
      .when((state) => closeRequest({ reason: 'requester-removed', before: 5, at: later }, state))
      .then([ended('requester-removed', null)]);
  });

  it('spares what was submitted after the cause: somebody who came back asked anew', () => {
    given(accessRequest, [submitted])
      .when((state) => closeRequest({ reason: 'requester-removed', before: 0, at: later }, state))
      .thenNothing();
  });

  it.each([rejected, withdrawn, superseded].map((event) => [event.type, event] as const))(
    'leaves a request alone after %s',
    (_type, event) => {
      given(accessRequest, [submitted, event])
        .when((state) => closeRequest({ reason: 'tenant-deleted', before: 5, at: later }, state))
        .thenNothing();
    },
  );
});

describe('a request that comes late', () => {
  it.each([
    ['tenant-deleted', { tenantExists: false, targetExists: false, requesterIsMember: false }],
    ['target-deleted', { targetExists: false }],
    ['requester-deactivated', { requesterActive: false }],
    ['requester-removed', { requesterIsMember: false }],
  ] as const)('is closed at once with the reason %s (X-005, X-006)', (reason, circumstances) => {
    given(accessRequest, [submitted])
      .when((state) => closeLateRequest({ circumstances: { ...well, ...circumstances }, at: later }, state))
      .then([closed(reason)]);
  });

  it('stays pending where everything is there', () => {
    given(accessRequest, [submitted])
      .when((state) => closeLateRequest({ circumstances: well, at: later }, state))
      .thenNothing();
  });

  it('is left alone once it was decided', () => {
    given(accessRequest, [submitted, rejected])
      .when((state) => closeLateRequest({ circumstances: { ...well, targetExists: false }, at: later }, state))
      .thenNothing();
  });
});

describe('the end of a grant', () => {
  it.each([
    ['revoked', 'revoked'],
    ['removed', 'revoked'],
    ['expired', 'expired'],
  ] as const)('by %s makes the request %s (X-004)', (reason, status) => {
    given(accessRequest, [submitted, approved])
      .when((state) => endRequestGrant({ reason, by: adm, at: later }, state))
      .then([ended(reason)]);
    expect(given(accessRequest, [submitted, approved, ended(reason)]).state).toMatchObject({
      status,
      closeReason: reason,
    });
  });

  it('comes once, whatever ends it first (X-004)', () => {
    given(accessRequest, [submitted, approved, ended('revoked')])
      .when((state) => endRequestGrant({ reason: 'expired', by: null, at: later }, state))
      .thenNothing();
  });

  it('means nothing to a request without a grant', () => {
    given(accessRequest, [submitted])
      .when((state) => endRequestGrant({ reason: 'removed', by: adm, at: later }, state))
      .thenNothing();
  });

  it('may be asked for while there is a grant, and is a no-op afterwards (X-004)', () => {
    expect(refuseRevocation(given(accessRequest, [submitted, approved]).state)).toBeUndefined();
    expect(refuseRevocation(given(accessRequest, [submitted, approved, ended('revoked')]).state)).toBeUndefined();
    expect(refuseRevocation(given(accessRequest, [submitted, approved, ended('expired')]).state)).toBeUndefined();
  });

  it.each([submitted, rejected, withdrawn, superseded].map((event) => [event.type, event] as const))(
    'can not be asked for after %s',
    (_type, event) => {
      const { state } = given(accessRequest, [submitted, event].slice(event === submitted ? 1 : 0));
      expect(refuseRevocation(state)).toMatchObject({ refused: 'request-not-approved' });
    },
  );

  it('can not be asked for where nothing was submitted', () => {
    expect(refuseRevocation(accessRequest.initial)).toEqual({ refused: 'not-found' });
  });
});

describe('the note of a revocation', () => {
  const noted: RequestEvent = {
    type: 'request-revocation-noted.v1',
    data: { ...next, revision: 4, by: adm },
    personal: { note: 'left the project' },
  };
  const note = { by: adm, note: 'left the project', at: later };

  it('is added by who revoked (X-004)', () => {
    given(accessRequest, [submitted, approved, ended('revoked')])
      .when((state) => noteRevocation(note, state))
      .then([noted]);
    const { state } = given(accessRequest, [submitted, approved, ended('revoked'), noted]);
    expect(state).toMatchObject({ status: 'revoked', revocationNote: 'left the project', revision: 4 });
  });

  it('stands once', () => {
    given(accessRequest, [submitted, approved, ended('revoked'), noted])
      .when((state) => noteRevocation({ ...note, note: 'another' }, state))
      .thenNothing();
  });

  it.each([
    ['by somebody else', [submitted, approved, ended('revoked', null)]],
    ['to what expired', [submitted, approved, ended('expired')]],
    ['to what was removed in another way', [submitted, approved, ended('removed')]],
    ['to what is still granted', [submitted, approved]],
  ])('is not added %s', (_case, events) => {
    given(accessRequest, events)
      .when((state) => noteRevocation(note, state))
      .thenNothing();
  });
});

test('the source of a grant names its request', () => {
  expect(requestsAmong(['direct', sourceOf('r1'), 'creation', sourceOf('r2')])).toEqual(['r1', 'r2']);
});
