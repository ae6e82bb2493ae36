import { given } from '../testing/given.js';
import {
  assignment,
  type Assignment,
  type AssignmentEvent,
  closeRoleRequest,
  endRole,
  grantRole,
  liveRoles,
  openRoleRequest,
  removeServiceAccount,
  removeTenantMember,
  type RoleEnded,
  type RoleGranted,
  rolesOf,
} from './assignment.decider.js';

const at = '2026-01-01T00:00:00.000Z';
const later = '2026-01-02T00:00:00.000Z';
/** A role that the tenant defines. */
const OWN = '01JQ00000000000000000ROLE1';
const key = {
  tenantId: 'T',
  subject: { type: 'user' as const, id: 'U' },
  target: { type: 'workspace' as const, id: 'W' },
};
const base = { ...key, removedAt: -1, at };

const granted = (change: Partial<RoleGranted['data']> = {}): AssignmentEvent => ({
  type: 'role-granted.v1',
  data: {
    ...{ ...key, role: 'editor', source: 'direct', until: null, replaced: [] },
    ...{ rolesBefore: [], rolesAfter: ['editor'], at, ...change },
  },
});
const ended = (change: Partial<RoleEnded['data']> = {}): AssignmentEvent => ({
  type: 'role-ended.v1',
  data: {
    ...{ ...key, role: 'editor', sources: ['direct'], reason: 'removed' },
    ...{ rolesBefore: ['editor'], rolesAfter: [], at, ...change },
  },
});
const removed = (roles: RoleGranted['data']['role'][]): AssignmentEvent => ({
  type: 'tenant-member-removed.v1',
  data: { tenantId: 'T', userId: 'U', roles, reason: 'member-removed', at },
});
const opened = (requestId: string): AssignmentEvent => ({
  type: 'role-request-opened.v1',
  data: { ...key, requestId, role: 'editor', until: null, rolesHeld: [], at },
});

it('tenants have the roles admin and member, workspaces editor, too', () => {
  expect(rolesOf('tenant')).toEqual(['admin', 'member']);
  expect(rolesOf('workspace')).toEqual(['admin', 'editor', 'member']);
});

describe('granting a role', () => {
  const grant =
    (change: Partial<Parameters<typeof grantRole>[0]> = {}) =>
    (state: Assignment) =>
      grantRole({ ...base, role: 'editor', source: 'direct', until: null, replace: true, ...change }, state);

  it('adds a source; the same source with the same end changes nothing', () => {
    given(assignment).when(grant()).then([granted()]);
    given(assignment, [granted()]).when(grant()).thenNothing();
  });

  it('from another source, or with another end, adds to what is held', () => {
    given(assignment, [granted()])
      .when(grant({ source: 'request:1' }))
      .then([granted({ source: 'request:1', rolesBefore: ['editor'] })]);
    given(assignment, [granted()])
      .when(grant({ until: later }))
      .then([granted({ until: later, rolesBefore: ['editor'] })]);
  });

  it('TW-087 directly takes the place of other roles, whatever their sources, in one event', () => {
    const events = [granted({ role: 'member' }), granted({ role: 'member', source: 'request:1' })];
    given(assignment, events)
      .when(grant())
      .then([granted({ replaced: [{ role: 'member', sources: ['direct', 'request:1'] }], rolesBefore: ['member'] })]);
  });

  it('TW-087 takes the place of others where it is held from that source already, too', () => {
    given(assignment, [granted(), granted({ role: 'member', source: 'request:1' })])
      .when(grant())
      .then([granted({ replaced: [{ role: 'member', sources: ['request:1'] }], rolesBefore: ['editor', 'member'] })]);
  });

  it('leaves nothing of what it takes the place of', () => {
    const replaced = [{ role: 'member', sources: ['direct'] }];
    const { state } = given(assignment, [granted({ role: 'member' }), granted({ replaced })]);
    expect(state.roles).toEqual({ editor: { direct: { until: null, since: 1 } } });
  });

  it('of the tenant, and beside one of the tenant, takes no place', () => {
    given(assignment, [granted()])
      .when(grant({ role: OWN, roleRevision: 3 }))
      .then([granted({ role: OWN, roleRevision: 3, rolesBefore: ['editor'], rolesAfter: ['editor', OWN] })]);
    given(assignment, [granted({ role: OWN })])
      .when(grant())
      .then([granted({ rolesBefore: [OWN], rolesAfter: [OWN, 'editor'] })]);
  });

  it('from a request stands beside other roles', () => {
    given(assignment, [granted({ role: 'member' })])
      .when(grant({ source: 'request:1', replace: false }))
      .then([granted({ source: 'request:1', rolesBefore: ['member'], rolesAfter: ['member', 'editor'] })]);
  });

  it('counts nothing that is past its end, or of before the last removal from the tenant', () => {
    const expired = [granted({ role: 'member', until: at })];
    given(assignment, expired).when(grant()).then([granted()]);
    given(assignment, [granted()])
      .when(grant({ removedAt: 0 }))
      .then([granted()]);
  });

  it('answers the request that it is from', () => {
    const { state } = given(assignment, [opened('1'), granted({ source: 'request:1' })]);
    expect(state.pending).toEqual({});
  });
});

describe('ending a role', () => {
  const end =
    (change: Partial<Parameters<typeof endRole>[0]> = {}) =>
    (state: Assignment) =>
      endRole({ ...base, reason: 'removed', ...change }, state);
  const both = [granted(), granted({ source: 'request:1', until: later }), granted({ role: 'member', source: 'x' })];

  it('ends all its sources, and all roles where none is named', () => {
    given(assignment, both)
      .when(end({ role: 'editor' }))
      .then([ended({ sources: ['direct', 'request:1'], rolesBefore: ['editor', 'member'], rolesAfter: ['member'] })]);
    given(assignment, both)
      .when(end())
      .then([
        ended({ sources: ['direct', 'request:1'], rolesBefore: ['editor', 'member'], rolesAfter: ['member'] }),
        ended({ role: 'member', sources: ['x'], rolesBefore: ['member'], rolesAfter: [] }),
      ]);
  });

  it('leaves what has other sources, and other roles', () => {
    const all = ended({ sources: ['direct', 'request:1'] });
    expect(given(assignment, [...both, all]).state.roles).toEqual({ member: { x: { until: null, since: 2 } } });
    const one = ended({ sources: ['direct'] });
    expect(given(assignment, [...both, one]).state.roles).toEqual({
      editor: { 'request:1': { until: later, since: 1 } },
      member: { x: { until: null, since: 2 } },
    });
    expect(given(assignment, [...both, all, all]).state.roles).toEqual({ member: { x: { until: null, since: 2 } } });
  });

  it('X-004 by revoking a request’s grant ends its own source alone; what is gone is no fault', () => {
    const revoke = end({ role: 'editor', sources: ['request:1'], reason: 'revoked' });
    const roles = ['editor', 'member'] as const;
    const event = ended({ sources: ['request:1'], reason: 'revoked', rolesBefore: roles, rolesAfter: roles });
    given(assignment, both).when(revoke).then([event]);
    given(assignment, [...both, event])
      .when(revoke)
      .thenNothing();
    given(assignment).when(revoke).thenNothing();
  });

  it('by time ends what is past its end, and nothing that was prolonged since', () => {
    const expire = end({ role: 'editor', sources: ['direct'], reason: 'expired', at: later });
    given(assignment, [granted({ until: later })])
      .when(expire)
      .then([ended({ reason: 'expired', at: later })]);
    for (const until of [null, '2026-01-03T00:00:00.000Z']) {
      given(assignment, [granted({ until: at }), granted({ until })])
        .when(expire)
        .thenNothing();
    }
  });

  it('may be limited to what began before a position', () => {
    given(assignment, [granted()])
      .when(end({ before: 1, reason: 'promoted' }))
      .then([ended({ reason: 'promoted' })]);
    given(assignment, [granted()])
      .when(end({ before: 0, reason: 'promoted' }))
      .thenNothing();
  });

  it('has nothing to end of before the last removal from the tenant', () => {
    given(assignment, [granted()])
      .when(end({ removedAt: 0 }))
      .thenNothing();
  });
});

describe('removing a member of a tenant', () => {
  const command = { tenantId: 'T', userId: 'U', reason: 'member-removed' as const, at };
  const remove =
    (change: { wasAdmin?: boolean; evenIfNoMember?: boolean } = {}) =>
    (state: Assignment) =>
      removeTenantMember({ ...command, wasAdmin: false, evenIfNoMember: false, ...change }, state);
  const member = granted({ role: 'member', target: { type: 'tenant', id: 'T' } });

  it('says what they held there, admin included', () => {
    given(assignment, [member])
      .when(remove())
      .then([removed(['member'])]);
    given(assignment, [member])
      .when(remove({ wasAdmin: true }))
      .then([removed(['member', 'admin'])]);
    given(assignment)
      .when(remove({ wasAdmin: true }))
      .then([removed(['admin'])]);
  });

  it('does nothing for who is no member, unless that is to be so', () => {
    given(assignment).when(remove()).thenNothing();
    given(assignment, [member, removed(['member'])])
      .when(remove())
      .thenNothing();
    given(assignment)
      .when(remove({ evenIfNoMember: true }))
      .then([removed([])]);
  });

  it('ends all that began before it, and nothing after', () => {
    const { state } = given(assignment, [member, removed(['member']), member]);
    expect(state).toMatchObject({ removedAt: 1, roles: { member: { direct: { since: 2 } } } });
    expect(liveRoles(state, { removedAt: 1, at })).toEqual({ member: { direct: { until: null, since: 2 } } });
    expect(liveRoles(state, { removedAt: 2, at })).toEqual({});
  });
});

describe('asking for a role', () => {
  const open =
    (change: Partial<Parameters<typeof openRoleRequest>[0]> = {}) =>
    (state: Assignment) =>
      openRoleRequest({ ...base, requestId: '1', role: 'editor', until: null, ...change }, state);

  it('opens one request per role; a second one names the first', () => {
    given(assignment)
      .when(open())
      .then([opened('1')]);
    given(assignment, [opened('1')])
      .when(open({ requestId: '2' }))
      .thenRefused('request-pending', { extra: { requestId: '1' } });
    given(assignment, [opened('1')])
      .when(open())
      .thenNothing();
    for (const before of [[opened('1')], []]) {
      given(assignment, before)
        .when(open({ requestId: '2', supersedes: '1' }))
        .then([opened('2')]);
    }
  });

  it('is refused for what is held as long as it is asked for, in this stream or another', () => {
    given(assignment, [granted()]).when(open()).thenRefused('role-already-held');
    given(assignment, [granted({ until: later })])
      .when(open({ until: later }))
      .thenRefused('role-already-held');
    given(assignment)
      .when(open({ heldElsewhere: null }))
      .thenRefused('role-already-held');
    for (const longer of [null, '2026-01-03T00:00:00.000Z']) {
      given(assignment, [granted({ until: later })])
        .when(open({ until: longer }))
        .then([
          { ...opened('1'), data: { ...opened('1').data, until: longer, rolesHeld: ['editor'] } } as AssignmentEvent,
        ]);
    }
  });

  it('keeps the reason apart from the rest', () => {
    given(assignment)
      .when(open({ reason: 'please' }))
      .then([{ ...opened('1'), personal: { reason: 'please' } } as AssignmentEvent]);
  });

  it('is over when the request is closed, and only then', () => {
    const close = (requestId: string) => (state: Assignment) =>
      closeRoleRequest({ ...key, requestId, role: 'editor', at }, state);
    const closed: AssignmentEvent = {
      type: 'role-request-closed.v1',
      data: { ...key, requestId: '1', role: 'editor', at },
    };
    given(assignment, [opened('1')])
      .when(close('2'))
      .thenNothing();
    given(assignment, [opened('1')])
      .when(close('1'))
      .then([closed]);
    given(assignment, [opened('1'), closed])
      .when(open({ requestId: '2' }))
      .then([opened('2')]);
  });
});

describe('removing a service account from its tenant', () => {
  const subject = { type: 'service_account' as const, id: 'S' };
  const target = { type: 'tenant' as const, id: 'T' };
  const remove = (state: Assignment) => removeServiceAccount({ tenantId: 'T', serviceAccountId: 'S', at }, state);
  const gone: AssignmentEvent = {
    type: 'tenant-service-account-removed.v1',
    data: { tenantId: 'T', serviceAccountId: 'S', roles: ['member'], reason: 'member-removed', at },
  };

  it('says what it held there; afterwards it is no member', () => {
    const member = granted({ subject, target, role: 'member' });
    given(assignment, [member]).when(remove).then([gone]);
    given(assignment, [member, gone]).when(remove).thenRefused('not-found');
    given(assignment).when(remove).thenRefused('not-found');
  });
});
