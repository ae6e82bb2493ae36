import { given } from '../testing/index.js';
import { claimIdentity, identity, type IdentityEvent } from './identity.decider.js';
import {
  changeProfile,
  deactivateUser,
  eraseUser,
  noteWithdrawal,
  registerUser,
  reinstateUser,
  restoreAccess,
  suspendUser,
  user,
  type UserEvent,
} from './user.decider.js';

const userId = '01JQ0000000000000000000ADA';
const other = '01JQ0000000000000000000B0B';
const at = '2026-02-01T10:00:00.000Z';
const later = '2026-02-02T10:00:00.000Z';

const ada: UserEvent = {
  type: 'user-registered.v1',
  data: { userId, issuer: null, subject: null, builtIn: false, at },
  personal: { displayName: 'Ada', email: 'ada@example.org' },
};
const gone: UserEvent = { type: 'user-deactivated.v1', data: { userId, revision: 2, at: later } };

describe('registering a user', () => {
  const command = { userId, externalIdentity: null, profile: { displayName: 'Ada' }, builtIn: false, at };

  it('keeps names and addresses apart as personal', () => {
    given(user)
      .when((state) => registerUser(command, state))
      .then([
        {
          type: 'user-registered.v1',
          data: { userId, issuer: null, subject: null, builtIn: false, at },
          personal: { displayName: 'Ada' },
        },
      ]);
  });

  it('keeps the external identity', () => {
    const externalIdentity = { issuer: 'https://id.example.org', subject: 'ada' };
    given(user)
      .when((state) => registerUser({ ...command, profile: {}, externalIdentity }, state))
      .then([{ type: 'user-registered.v1', data: { userId, ...externalIdentity, builtIn: false, at }, personal: {} }]);
  });

  it('leaves a user who is known by it, and one without it by none', () => {
    const externalIdentity = { issuer: 'https://id.example.org', subject: 'ada' };
    const known: UserEvent = {
      type: 'user-registered.v1',
      data: { ...ada.data, ...externalIdentity, builtIn: false, at },
    };
    expect(given(user, [known]).state).toMatchObject({ externalIdentity, displayName: null, email: null });
    expect(given(user, [ada]).state).toMatchObject({ externalIdentity: null, displayName: 'Ada' });
  });

  it('does nothing a second time, whatever has become of the user', () => {
    given(user, [ada])
      .when((state) => registerUser(command, state))
      .thenNothing();
    given(user, [ada, gone])
      .when((state) => registerUser(command, state))
      .thenNothing();
  });
});

describe('erasing a user', () => {
  const erase = eraseUser.bind(undefined, { at: later });
  const erased = (revision: number): UserEvent => ({
    type: 'user-erased.v1',
    data: { userId, revision, at: later },
  });

  it('deactivates them with it', () => {
    given(user, [ada])
      .when(erase)
      .then([gone, erased(3)]);
    given(user, [ada, gone])
      .when(erase)
      .then([erased(3)]);
  });

  it('forgets their profile, and is done once', () => {
    const { state } = given(user, [ada, gone, erased(3)]);
    expect(state).toMatchObject({ displayName: null, email: null, status: 'deactivated', erased: true, revision: 3 });
    expect(erase(state)).toEqual([]);
  });

  it('is refused for who is not there, and for the built-in administrator', () => {
    given(user).when(erase).thenRefused('not-found');
    given(user, [{ ...ada, data: { ...ada.data, builtIn: true } } as UserEvent])
      .when(erase)
      .thenRefused('built-in-user');
  });
});

describe('changing a profile', () => {
  it('tells which fields changed, and what they were', () => {
    given(user, [ada])
      .when((state) => changeProfile({ displayName: 'Ada L.', email: 'ada@example.org', at: later }, state))
      .then([
        {
          type: 'user-profile-changed.v1',
          data: { userId, fields: ['displayName'], revision: 2, at: later },
          personal: { displayName: 'Ada L.', previous: { displayName: 'Ada' } },
        },
      ]);
  });

  it('takes a field away with null', () => {
    given(user, [ada])
      .when((state) => changeProfile({ email: null, at: later }, state))
      .then([
        {
          type: 'user-profile-changed.v1',
          data: { userId, fields: ['email'], revision: 2, at: later },
          personal: { email: null, previous: { email: 'ada@example.org' } },
        },
      ]);
  });

  it('does nothing where nothing differs', () => {
    given(user, [ada])
      .when((state) => changeProfile({ displayName: 'Ada', at: later }, state))
      .thenNothing();
  });

  it('is refused for who is unknown or deactivated, and to who saw an earlier state', () => {
    given(user)
      .when((state) => changeProfile({ displayName: 'Ada', at }, state))
      .thenRefused('not-found');
    given(user, [ada, gone])
      .when((state) => changeProfile({ displayName: 'Eve', at }, state))
      .thenRefused('user-inactive');
    given(user, [ada])
      .when((state) => changeProfile({ displayName: 'Eve', ifRevision: 2, at }, state))
      .thenRefused('stale-revision');
  });

  it('holds the new values afterwards, and none where the personal part is lost', () => {
    const data = { userId, fields: ['email' as const], revision: 2, at: later };
    const personal = { email: 'a@example.org', previous: {} };
    const changed: UserEvent = { type: 'user-profile-changed.v1', data, personal };
    expect(given(user, [ada, changed]).state).toMatchObject({
      displayName: 'Ada',
      email: 'a@example.org',
      updatedAt: later,
      revision: 2,
    });
    expect(given(user, [ada, { type: changed.type, data }]).state).toMatchObject({ displayName: 'Ada', email: null });
  });
});

describe('deactivating a user', () => {
  it('happens once', () => {
    given(user, [ada])
      .when((state) => deactivateUser({ at: later }, state))
      .then([gone]);
    given(user, [ada, gone])
      .when((state) => deactivateUser({ ifRevision: 1, at: later }, state))
      .thenNothing();
  });

  it('leaves the user readable', () => {
    expect(given(user, [ada, gone]).state).toMatchObject({ status: 'deactivated', displayName: 'Ada', revision: 2 });
  });

  it('is refused for who is unknown, and to who saw an earlier state', () => {
    given(user)
      .when((state) => deactivateUser({ at }, state))
      .thenRefused('not-found');
    given(user, [ada])
      .when((state) => deactivateUser({ ifRevision: 7, at }, state))
      .thenRefused('stale-revision');
  });

  it('is refused for the built-in administrator', () => {
    given(user, [{ ...ada, data: { ...ada.data, builtIn: true } }])
      .when((state) => deactivateUser({ at }, state))
      .thenRefused('built-in-user');
  });
});

describe('suspending a user', () => {
  const suspended: UserEvent = { type: 'user-suspended.v1', data: { userId, revision: 2, at: later } };
  const reinstated: UserEvent = { type: 'user-reinstated.v1', data: { userId, most: 900, revision: 3, at: later } };
  const by = other;

  it('happens once, until they are reinstated, which happens once', () => {
    given(user, [ada])
      .when((state) => suspendUser({ by, ifRevision: 1, at: later }, state))
      .then([suspended]);
    given(user, [ada, suspended])
      .when((state) => suspendUser({ by, ifRevision: 1, at: later }, state))
      .thenNothing();
    given(user, [ada, suspended])
      .when((state) => reinstateUser({ ifRevision: 2, at: later }, state))
      .then([reinstated]);
    given(user, [ada, suspended, reinstated])
      .when((state) => reinstateUser({ ifRevision: 2, at: later }, state))
      .thenNothing();
    expect(given(user, [ada, suspended]).state).toMatchObject({ status: 'suspended', displayName: 'Ada', revision: 2 });
    expect(given(user, [ada, suspended, reinstated]).state).toMatchObject({ status: 'active', revision: 3 });
  });

  it('is what counts: what is on the record of tenants changes nothing about the user', () => {
    const withdrawn: UserEvent = { type: 'user-access-withdrawn.v1', data: { userId, tenantId: 'T', at: later } };
    const restored: UserEvent = {
      type: 'user-access-restored.v1',
      data: { userId, tenantId: 'T', most: 900, more: false, at: later },
    };
    const { state } = given(user, [ada, suspended, reinstated]);
    expect(given(user, [ada, suspended, withdrawn, reinstated, restored]).state).toEqual(state);
  });

  it('is refused for who is unknown or gone, for oneself, for the built-in administrator, and of an earlier state', () => {
    given(user)
      .when((state) => suspendUser({ by, at }, state))
      .thenRefused('not-found');
    given(user, [ada, gone])
      .when((state) => suspendUser({ by, at }, state))
      .thenRefused('user-inactive');
    given(user, [ada])
      .when((state) => suspendUser({ by: userId, at }, state))
      .thenRefused('own-suspension');
    given(user, [{ ...ada, data: { ...ada.data, builtIn: true } }])
      .when((state) => suspendUser({ by, at }, state))
      .thenRefused('built-in-user');
    given(user, [ada])
      .when((state) => suspendUser({ by, ifRevision: 2, at }, state))
      .thenRefused('stale-revision');
  });

  it('leaves their profile to be changed, and the user to be deactivated, after which nothing brings them back', () => {
    given(user, [ada, suspended])
      .when((state) => deactivateUser({ at: later }, state))
      .then([{ type: 'user-deactivated.v1', data: { userId, revision: 3, at: later } }]);
    given(user, [ada, suspended, { ...gone, data: { ...gone.data, revision: 3 } }])
      .when((state) => reinstateUser({ at: later }, state))
      .thenRefused('user-inactive');
    given(user)
      .when((state) => reinstateUser({ at }, state))
      .thenRefused('not-found');
    given(user, [ada, suspended])
      .when((state) => reinstateUser({ ifRevision: 1, at }, state))
      .thenRefused('stale-revision');
  });

  it('goes on the record of a tenant while it lasts, and what comes back once it is over', () => {
    const tenantId = '01JQ0000000000000000000T01';
    const note = { tenantId, at: later };
    const restore = { tenantId, more: true, at: later };
    given(user, [ada, suspended])
      .when((state) => noteWithdrawal(note, state))
      .then([{ type: 'user-access-withdrawn.v1', data: { userId, ...note } }]);
    given(user, [ada, suspended, reinstated])
      .when((state) => noteWithdrawal(note, state))
      .thenNothing();
    given(user, [ada, suspended, reinstated])
      .when((state) => restoreAccess(restore, state))
      .then([{ type: 'user-access-restored.v1', data: { userId, ...restore, most: 900 } }]);
    given(user, [ada, suspended])
      .when((state) => restoreAccess(restore, state))
      .thenNothing();
  });
});

describe('claiming an external identity', () => {
  const externalIdentity = { issuer: 'https://id.example.org', subject: 'ada' };
  const claim = { userId, externalIdentity, profile: { email: 'ada@example.org' } };
  const claimed: IdentityEvent = {
    type: 'identity-claimed.v1',
    data: { userId, ...externalIdentity },
    personal: { email: 'ada@example.org' },
  };

  it('carries all that the registration needs', () => {
    given(identity)
      .when((state) => claimIdentity(claim, state))
      .then([claimed]);
  });

  it('is never taken over', () => {
    given(identity, [claimed])
      .when((state) => claimIdentity({ ...claim, userId: other }, state))
      .thenRefused('identity-taken', { field: 'externalIdentity' });
  });

  it('does nothing for who has it', () => {
    given(identity, [claimed])
      .when((state) => claimIdentity(claim, state))
      .thenNothing();
  });
});
