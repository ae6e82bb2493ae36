import { given } from '../testing/index.js';
import {
  accessRequest,
  closeOrphanedRequest,
  closeRequest,
  endRequestGrant,
  noteRevocation,
  refuseRevocation,
  type RequestEvent,
} from './request.decider.js';
import {
  later,
  adm,
  next,
  submitted,
  approved,
  rejected,
  withdrawn,
  superseded,
  closed,
  ended,
  well,
} from './request-events.fixture.js';

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
      .when((state) => closeOrphanedRequest({ circumstances: { ...well, ...circumstances }, at: later }, state))
      .then([closed(reason)]);
  });

  it('stays pending where everything is there', () => {
    given(accessRequest, [submitted])
      .when((state) => closeOrphanedRequest({ circumstances: well, at: later }, state))
      .thenNothing();
  });

  it('is left alone once it was decided', () => {
    given(accessRequest, [submitted, rejected])
      .when((state) => closeOrphanedRequest({ circumstances: { ...well, targetExists: false }, at: later }, state))
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
