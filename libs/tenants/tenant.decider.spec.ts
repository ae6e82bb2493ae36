import fc from 'fast-check';
import type { Decision } from '../event-store/index.js';
import { given } from '../testing/given.js';
import {
  appointAdmin,
  createTenant,
  endAdmin,
  finishTenantDeletion,
  grantAdmin,
  renameTenant,
  setRequestableRoles,
  startTenantDeletion,
  tenant,
  type TenantAdminEnded,
  type TenantAdminGranted,
  type TenantEvent,
  type Tenant,
} from './tenant.decider.js';

const [tenantId, rootWorkspaceId, ann, bob] = ['T', 'R', 'ANN', 'BOB'];
const at = '2026-01-01T00:00:00.000Z';
const later = '2026-01-02T00:00:00.000Z';
const created: TenantEvent = {
  type: 'tenant-created.v1',
  data: { tenantId, name: 'Acme', rootWorkspaceId, requestable: ['tenant:member'], at },
};
const granted = (userId: string, change: Partial<TenantAdminGranted['data']> = {}): TenantEvent => ({
  type: 'tenant-admin-granted.v1',
  data: { tenantId, rootWorkspaceId, userId, source: 'direct', until: null, replacesMember: false, at, ...change },
});
const ended = (userId: string, change: Partial<TenantAdminEnded['data']> = {}): TenantEvent => ({
  type: 'tenant-admin-ended.v1',
  data: {
    ...{ tenantId, rootWorkspaceId, userId, sources: ['direct'], reason: 'removed', becomesMember: null },
    ...{ stillAdmin: false, at: later, ...change },
  },
});
const renamed: TenantEvent = {
  type: 'tenant-renamed.v1',
  data: { tenantId, from: 'Acme', to: 'Umbrella', revision: 2, at: later },
};
const started: TenantEvent = { type: 'tenant-deletion-started.v1', data: { tenantId, name: 'Acme', at: later } };
const deleted: TenantEvent = { type: 'tenant-deleted.v1', data: { tenantId, name: 'Acme', workspaces: 3, at: later } };

describe('creating a tenant', () => {
  const command = { tenantId, name: 'Acme', rootWorkspaceId, requestable: ['tenant:member'] as const, at };

  it('makes its creator an admin without an end', () => {
    given(tenant)
      .when((state) => createTenant({ ...command, creatorId: ann }, state))
      .then([created, granted(ann, { source: 'creation' })]);
  });

  it('gives nobody anything where nobody creates it', () => {
    given(tenant)
      .when((state) => createTenant({ ...command, creatorId: null }, state))
      .then([created]);
  });

  it('does nothing a second time, whatever became of the tenant', () => {
    for (const events of [[created], [created, started], [created, started, deleted]]) {
      given(tenant, events)
        .when((state) => createTenant({ ...command, creatorId: bob }, state))
        .thenNothing();
    }
  });
});

describe('appointing an admin', () => {
  const appoint =
    (userId: string, { gone = [] as string[], suspended = [] as string[] } = {}) =>
    (state: Tenant): Decision<TenantEvent> => {
      const others = { gone: new Set(gone), suspended: new Set(suspended) };
      return appointAdmin({ userId, replacesMember: false, ...others, at }, state);
    };
  const appointed = granted(bob, { source: 'operator' });

  it('gives the role without an end where all who have it so are gone for good, or nobody has', () => {
    for (const events of [
      [created, granted(ann)],
      [created],
      [created, granted(ann), granted('CY', { until: later })],
      [created, granted(ann), granted(bob, { until: later })],
    ]) {
      given(tenant, events)
        .when(appoint(bob, { gone: [ann] }))
        .then([appointed]);
    }
  });

  it('does nothing for who is an admin without an end already, from whatever source', () => {
    given(tenant, [created, granted(ann), appointed])
      .when(appoint(bob, { gone: [ann] }))
      .thenNothing();
    given(tenant, [created, granted(ann), granted(bob)])
      .when(appoint(bob))
      .thenNothing();
  });

  it('is refused while another has it, who may act or be reinstated', () => {
    const events = [created, granted(ann), granted('CY')];
    given(tenant, events)
      .when(appoint(bob, { gone: [ann] }))
      .thenRefused('tenant-has-admin', { detail: 'user CY' });
    given(tenant, events)
      .when(appoint(bob, { suspended: [ann] }))
      .thenRefused('tenant-has-admin', { detail: 'user CY' });
    given(tenant, events)
      .when(appoint(bob, { gone: [ann], suspended: ['CY'] }))
      .thenRefused('tenant-admin-suspended', { detail: 'user CY' });
  });

  it('is refused in a tenant that is not there, or not any more', () => {
    for (const events of [[], [created, started], [created, started, deleted]]) {
      given(tenant, events).when(appoint(bob)).thenRefused('no-such-tenant');
    }
  });
});

describe('renaming a tenant', () => {
  const command = { name: 'Umbrella', claimedAt: 9, at: later };
  const rename =
    (change: Partial<typeof command & { ifRevision: number }> = {}) =>
    (state: Tenant) =>
      renameTenant({ ...command, ...change }, state);

  it('says from what to what, and moves its revision', () => {
    given(tenant, [created]).when(rename()).then([renamed]);
    given(tenant, [created])
      .when(rename({ ifRevision: 1 }))
      .then([renamed]);
  });

  it('to its own name does nothing', () => {
    given(tenant, [created])
      .when(rename({ name: 'Acme' }))
      .thenNothing();
  });

  it('is refused to who saw an earlier state', () => {
    given(tenant, [created, renamed])
      .when(rename({ name: 'x', ifRevision: 1 }))
      .thenRefused('stale-revision');
  });

  it('is refused where the name was claimed before the tenant got the one it has now', () => {
    given(tenant, [created, renamed])
      .when(rename({ name: 'x', claimedAt: 0 }))
      .thenRefused('conflict');
  });

  it('is refused where the tenant is not there, or is being deleted', () => {
    for (const events of [[], [created, started], [created, started, deleted]]) {
      given(tenant, events).when(rename()).thenRefused('not-found');
    }
  });
});

describe('setting the requestable roles', () => {
  const set = (roles: Parameters<typeof setRequestableRoles>[0]['roles'], ifRevision?: number) => (state: Tenant) =>
    setRequestableRoles({ roles, ifRevision, at: later }, state);

  it('says from what to what, each once and in order', () => {
    given(tenant, [created])
      .when(set(['workspace:admin', 'tenant:admin', 'workspace:admin'], 1))
      .then([
        {
          type: 'tenant-requestable-roles-set.v1',
          data: { tenantId, from: ['tenant:member'], to: ['tenant:admin', 'workspace:admin'], revision: 2, at: later },
        },
      ]);
  });

  it('to what they are does nothing', () => {
    given(tenant, [created])
      .when(set(['tenant:member', 'tenant:member']))
      .thenNothing();
    const inAnyOrder = { ...created, data: { ...created.data, requestable: ['workspace:editor', 'tenant:member'] } };
    given(tenant, [inAnyOrder as TenantEvent])
      .when(set(['tenant:member', 'workspace:editor']))
      .thenNothing();
  });

  it('is refused to who saw an earlier state, and for a tenant that goes', () => {
    given(tenant, [created, renamed]).when(set([], 1)).thenRefused('stale-revision');
    given(tenant, [created, started]).when(set([])).thenRefused('not-found');
  });
});

describe('granting admin', () => {
  const command = { userId: bob, source: 'direct', until: null, replacesMember: false, at };

  it('adds a source', () => {
    given(tenant, [created, granted(ann)])
      .when((state) => grantAdmin({ ...command, replacesMember: true }, state))
      .then([granted(bob, { replacesMember: true })]);
  });

  it('from the same source with the same end does nothing; with another end replaces it', () => {
    const events = [created, granted(ann), granted(bob)];
    given(tenant, events)
      .when((state) => grantAdmin(command, state))
      .thenNothing();
    given(tenant, events)
      .when((state) => grantAdmin({ ...command, until: later }, state))
      .then([granted(bob, { until: later })]);
  });

  it('counts what has changed about each admin', () => {
    const events = [created, granted(ann), granted(bob), granted(bob, { until: later }), ended(bob)];
    expect(given(tenant, events).state).toMatchObject({ adminRevisions: { [ann!]: 1, [bob!]: 3 } });
  });

  it('does not give the last admin without an end one', () => {
    given(tenant, [created, granted(ann)])
      .when((state) => grantAdmin({ ...command, userId: ann, until: later }, state))
      .thenRefused('last-admin');
    given(tenant, [created, granted(ann), granted(bob, { until: later })])
      .when((state) => grantAdmin({ ...command, userId: ann, until: later }, state))
      .thenRefused('last-admin');
  });

  it('is refused for a tenant that goes', () => {
    given(tenant, [created, started])
      .when((state) => grantAdmin(command, state))
      .thenRefused('not-found');
  });
});

describe('ending admin', () => {
  const end =
    (userId: string, change: Partial<Parameters<typeof endAdmin>[0]> = {}) =>
    (state: Tenant) =>
      endAdmin({ userId, reason: 'removed', becomesMember: null, at: later, ...change }, state);

  it('ends all sources, or those that are named', () => {
    const events = [created, granted(ann), granted(bob), granted(bob, { source: 'request:1' })];
    given(tenant, events)
      .when(end(bob))
      .then([ended(bob, { sources: ['direct', 'request:1'] })]);
    given(tenant, events)
      .when(end(bob, { sources: ['request:1', 'request:2'], reason: 'revoked' }))
      .then([ended(bob, { sources: ['request:1'], reason: 'revoked', stillAdmin: true })]);
  });

  it('TW-063 is refused for the last admin without an end', () => {
    for (const events of [
      [created, granted(ann)],
      [created, granted(ann), granted(bob), ended(bob)],
      [created, granted(ann), granted(bob, { until: later })],
    ]) {
      given(tenant, events).when(end(ann)).thenRefused('last-admin');
    }
  });

  it('TW-063 is refused where those who remain are gone for good', () => {
    const events = [created, granted(ann), granted(bob)];
    const gone = new Set([bob]);
    given(tenant, events).when(end(ann, { gone })).thenRefused('last-admin');
    given(tenant, events)
      .when((state) =>
        grantAdmin({ userId: ann, source: 'direct', until: later, replacesMember: false, gone, at }, state),
      )
      .thenRefused('last-admin');
    given(tenant, events)
      .when(end(bob, { gone }))
      .then([ended(bob)]);
  });

  it('lets the last admin lose one of several sources without an end', () => {
    given(tenant, [created, granted(ann), granted(ann, { source: 'creation' })])
      .when(end(ann, { sources: ['direct'] }))
      .then([ended(ann, { stillAdmin: true })]);
  });

  it('of what has expired takes only that', () => {
    const events = [created, granted(ann), granted(bob, { until: later }), granted(bob, { source: 'request:1' })];
    given(tenant, events)
      .when(end(bob, { sources: ['direct'], reason: 'expired' }))
      .then([ended(bob, { reason: 'expired', stillAdmin: true })]);
    given(tenant, events)
      .when(end(bob, { sources: ['request:1'], reason: 'expired' }))
      .thenNothing();
    given(tenant, [created, granted(ann), granted(bob, { until: '2026-01-03T00:00:00.000Z' })])
      .when(end(bob, { reason: 'expired' }))
      .thenNothing();
  });

  it('of what is gone, or of nobody, does nothing', () => {
    given(tenant, [created, granted(ann)])
      .when(end(bob))
      .thenNothing();
    given(tenant, []).when(end(bob)).thenNothing();
    given(tenant, [created, granted(ann), started, deleted])
      .when(end(ann))
      .thenNothing();
  });

  it('is not held back by the guard while the tenant is being deleted', () => {
    given(tenant, [created, granted(ann), started])
      .when(end(ann))
      .then([ended(ann)]);
  });

  it('X-006 whatever is asked in whatever order, an admin without an end remains', () => {
    const user = fc.constantFrom(ann, bob, 'CY');
    const until = fc.constantFrom(null, at, later, '2027-01-01T00:00:00.000Z');
    const source = fc.constantFrom('direct', 'request:1');
    const commands = fc.oneof(
      fc.record({ userId: user, source, until }).map(
        (asked) =>
          (state: Tenant): Decision<TenantEvent> =>
            grantAdmin({ ...asked, replacesMember: false, at }, state),
      ),
      fc
        .record({ userId: user, sources: fc.option(fc.array(source), { nil: undefined }) })
        .map((asked) => end(asked.userId, asked)),
      user.map((userId) => end(userId, { reason: 'expired' })),
    );
    fc.assert(
      fc.property(fc.array(commands, { maxLength: 20 }), (asked) => {
        let state = given(tenant, [created, granted(ann)]).state;
        for (const decide of asked) {
          const decision = decide(state);
          if ('refused' in decision) continue;
          for (const event of decision) state = tenant.evolve(state, event, 0);
          const admins = state.status === 'absent' ? [] : Object.values(state.admins);
          expect(admins.some((sources) => Object.values(sources).includes(null))).toBe(true);
        }
      }),
    );
  });
});

describe('deleting a tenant', () => {
  const start = (ifRevision?: number) => (state: Tenant) => startTenantDeletion({ ifRevision, at: later }, state);
  const finish = (state: Tenant) => finishTenantDeletion({ workspaces: 3, at: later }, state);

  it('starts once, and ends once', () => {
    given(tenant, [created]).when(start(1)).then([started]);
    given(tenant, [created, started]).when(start(1)).thenNothing();
    given(tenant, [created, started]).when(finish).then([deleted]);
    given(tenant, [created, started, deleted]).when(finish).thenNothing();
  });

  it('does not end before it has started', () => {
    given(tenant, [created]).when(finish).thenNothing();
  });

  it('is refused to who saw an earlier state, and where there is none', () => {
    given(tenant, [created, renamed]).when(start(1)).thenRefused('stale-revision');
    for (const events of [[], [created, started, deleted]])
      given(tenant, events).when(start()).thenRefused('not-found');
  });
});
