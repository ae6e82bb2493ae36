import { given } from '../testing/given.js';
import {
  changeRole,
  createRole,
  deleteWithTenant,
  finishRoleDeletion,
  role,
  type Role,
  type RoleContent,
  type RoleEvent,
  startRoleDeletion,
} from './role.decider.js';

const at = '2026-01-01T00:00:00.000Z';
const key = { roleId: 'R', tenantId: 'T' };
const content: RoleContent = {
  name: 'Nurse',
  description: null,
  requestable: false,
  permissions: ['apps:read', 'tags:read'],
  spelledAs: {},
};
const created: RoleEvent = { type: 'role-created.v1', data: { ...key, ...content, at } };
const changed = (from: Partial<RoleContent>, to: Partial<RoleContent>, revision = 2): RoleEvent => ({
  type: 'role-changed.v1',
  data: { ...key, from, to, revision, at },
});
const started: RoleEvent = { type: 'role-deletion-started.v1', data: { ...key, name: 'Nurse', at } };
const stopped: RoleEvent = { type: 'role-deletion-stopped.v1', data: { ...key, name: 'Nurse', at } };
const deleted = (reason: 'deleted' | 'tenant-deleted' = 'deleted'): RoleEvent => ({
  type: 'role-deleted.v1',
  data: { ...key, ...content, reason, at },
});

describe('creating a role', () => {
  it('happens once', () => {
    const create = (state: Role) => createRole({ ...key, ...content, at }, state);
    given(role).when(create).then([created]);
    given(role, [created]).when(create).thenNothing();
  });
});

describe('changing a role', () => {
  const change =
    (to: Partial<RoleContent>, seen: { ifRevision?: number; judgedRevision?: number; claimedAt?: number } = {}) =>
    (state: Role) =>
      changeRole({ change: to, ...seen, at }, state);

  it('MG-055 says what changed, and only that', () => {
    given(role, [created])
      .when(change({ name: 'Nurse', requestable: true, permissions: ['apps:read'] }))
      .then([
        changed(
          { requestable: false, permissions: content.permissions },
          { requestable: true, permissions: ['apps:read'] },
        ),
      ]);
    given(role, [created]).when(change(content)).thenNothing();
  });

  it('counts revisions, and refuses a stale one', () => {
    const events = [created, changed({ name: 'Nurse' }, { name: 'Ward' })];
    expect(given(role, events).state).toMatchObject({ name: 'Ward', revision: 2 });
    given(role, events)
      .when(change({ name: 'x' }, { ifRevision: 1 }))
      .thenRefused('stale-revision');
    given(role, events)
      .when(change({ name: 'x' }, { ifRevision: 2 }))
      .then([changed({ name: 'Ward' }, { name: 'x' }, 3)]);
  });

  it('is none where only the order differs', () => {
    const spelledAs = { 'apps:read': 'form', 'tags:read': 'form' };
    const grouped = { ...created, data: { ...created.data, spelledAs } };
    const turned = { 'tags:read': 'form', 'apps:read': 'form' };
    given(role, [grouped])
      .when(change({ permissions: ['tags:read', 'apps:read'], spelledAs: turned }))
      .thenNothing();
    given(role, [grouped])
      .when(change({ spelledAs: {} }))
      .then([changed({ spelledAs }, { spelledAs: {} })]);
  });

  it('is accepted where it was judged before a change that lets it allow nothing more', () => {
    const before = ['apps:read', 'apps:delete'];
    const events = [
      { ...created, data: { ...created.data, permissions: before } },
      changed({ permissions: before }, { permissions: ['apps:delete'] }),
    ];
    const { state } = given(role, events);
    expect(state).toMatchObject({ permissions: ['apps:delete'], revision: 2, widenedAt: 1 });
    expect(changeRole({ change: { description: 'x' }, judgedRevision: 1, at: 'now' }, state)).toHaveLength(1);
  });

  it('is refused where the rights of who changes were judged by a revision that allowed less', () => {
    given(role, [created, changed({ permissions: content.permissions }, { permissions: ['apps:delete'] })])
      .when(change({ description: 'x' }, { judgedRevision: 1 }))
      .thenRefused('role-changed-meanwhile');
  });

  it('to a name whose claim another renaming may have given up is refused', () => {
    given(role, [created, changed({ name: 'Nurse' }, { name: 'Ward' })])
      .when(change({ name: 'Doctor' }, { claimedAt: 0 }))
      .thenRefused('conflict');
  });

  it('to a name that was claimed since it was named last is made, whatever else has changed', () => {
    const [first, second] = [
      changed({ description: null }, { description: 'x' }),
      changed({}, { requestable: true }, 3),
    ];
    given(role, [created, first, second])
      .when(change({ name: 'Doctor' }, { claimedAt: 1 }))
      .then([changed({ name: 'Nurse' }, { name: 'Doctor' }, 4)]);
  });

  it('is not possible once it goes, or has gone', () => {
    given(role)
      .when(change({ name: 'x' }))
      .thenRefused('not-found');
    given(role, [created, started])
      .when(change({ name: 'x' }))
      .thenRefused('conflict');
    given(role, [created, started, deleted()])
      .when(change({ name: 'x' }))
      .thenRefused('not-found');
  });
});

describe('deleting a role', () => {
  const start = (ifRevision?: number) => (state: Role) => startRoleDeletion({ ifRevision, at }, state);
  const finish = (inUse: boolean) => (state: Role) => finishRoleDeletion({ inUse, at }, state);

  it('starts, and ends with what is found: nobody holds it, or it stays', () => {
    given(role, [created]).when(start()).then([started]);
    given(role, [created, started]).when(start()).thenNothing();
    given(role, [created, started]).when(finish(false)).then([deleted()]);
    given(role, [created, started]).when(finish(true)).then([stopped]);
    expect(given(role, [created, started, stopped]).state).toMatchObject({ status: 'active', revision: 1 });
    given(role, [created]).when(finish(false)).thenNothing();
  });

  it('is refused for a stale revision alone, and for what is gone', () => {
    given(role, [created]).when(start(7)).thenRefused('stale-revision');
    given(role, [created]).when(start(1)).then([started]);
    given(role, [created, deleted()]).when(start()).thenRefused('not-found');
    given(role).when(start()).thenRefused('not-found');
  });

  it('happens with its tenant, whatever state it is in', () => {
    const go = (state: Role) => deleteWithTenant({ at }, state);
    given(role, [created])
      .when(go)
      .then([deleted('tenant-deleted')]);
    given(role, [created, started])
      .when(go)
      .then([deleted('tenant-deleted')]);
    given(role, [created, deleted()]).when(go).thenNothing();
    given(role).when(go).thenNothing();
  });
});
