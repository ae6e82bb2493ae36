import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';
import { calledTwice, type KeyedCall } from './called-twice.js';
import {
  aMember,
  type Answered,
  aRole,
  aTenant,
  aUserWithToken,
  aWorkspace,
  checkedApp,
  done,
  tenantEvents,
  type TestTenant,
  uniqueName,
} from './world.js';

let app: TestApp;
let tenant: TestTenant;

checkedApp(async () => (app = await startTestApp()));

beforeEach(async () => {
  tenant = await aTenant(app);
});

const twice = (call: KeyedCall, between?: () => Promise<unknown>): Promise<Answered> =>
  calledTwice(async () => (await tenantEvents(app, tenant.id)).length, call, between);

describe('P2 a command that changed nothing, repeated with its Idempotency-Key, changes nothing and gives its first answer', () => {
  it('adding a member who was there, and was removed since: access does not come back', async () => {
    const { owner, path } = tenant;
    const user = await aMember(app, tenant);
    await twice(
      (headers) => owner.post(`${path}/members`, { userId: user.id, role: 'member' }, headers),
      () => done(owner.delete(`${path}/members/${user.id}`)),
    );
    expect((await user.get(path)).status).toBe(404);
    expect((await owner.post(`${path}/members`, { userId: user.id, role: 'member' })).status).toBe(201);
  });

  it('changing a role, a workspace or the tenant to what it was, and is no more', async () => {
    const { owner, path, rootId } = tenant;
    const role = `${path}/roles/${await aRole(tenant, 'as it was')}`;
    for (const change of [
      { permissions: ['apps:read'] },
      { name: 'as it was' },
      { requestable: true, description: '' },
    ]) {
      await twice(
        (headers) => owner.patch(role, change, headers),
        () =>
          done(owner.patch(role, { permissions: ['apps:update'], name: 'new', requestable: false, description: 'x' })),
      );
      await done(
        owner.patch(role, { permissions: ['apps:read'], name: 'as it was', requestable: true, description: '' }),
      );
    }
    const workspace = `${path}/workspaces/${await aWorkspace(tenant, { name: 'old', parentId: rootId })}`;
    await twice(
      (headers) => owner.patch(workspace, { name: 'old' }, headers),
      () => done(owner.patch(workspace, { name: 'new' })),
    );
    await twice(
      (headers) => owner.patch(path, { name: tenant.name }, headers),
      () => done(owner.patch(path, { name: uniqueName('later') })),
    );
  });

  it('giving a role that was held, and whose holder, target or role is gone since', async () => {
    const { owner, path } = tenant;
    const user = await aMember(app, tenant);
    const workspace = await aWorkspace(tenant);
    const given = {
      subject: { type: 'user', id: user.id },
      role: await aRole(tenant),
      target: { type: 'workspace', id: workspace },
    };
    await done(owner.post(`${path}/assignments`, given));
    await twice(
      (headers) => owner.post(`${path}/assignments`, given, headers),
      async () => {
        await done(owner.delete(`${path}/members/${user.id}`));
        await done(owner.delete(`${path}/workspaces/${workspace}`));
        await done(owner.delete(`${path}/roles/${given.role}`));
      },
    );
  });

  it('giving a role that was held, and was changed and taken since', async () => {
    const { owner, path, id } = tenant;
    const user = await aMember(app, tenant);
    const given = { subject: { type: 'user', id: user.id }, role: await aRole(tenant), target: { type: 'tenant', id } };
    await done(owner.post(`${path}/assignments`, given));
    await twice(
      (headers) => owner.post(`${path}/assignments`, given, headers),
      async () => {
        await done(owner.patch(`${path}/roles/${given.role}`, { permissions: ['apps:read', 'apps:delete'] }));
        const { body } = await done(owner.get(`${path}/roles/${given.role}/assignments`));
        await done(owner.delete(`${path}/assignments/${body.items[0].id}`));
      },
    );
  });

  it('revoking what was revoked, and withdrawing what was withdrawn', async () => {
    const { owner, path, id } = tenant;
    const user = await aMember(app, tenant);
    const asked = { kind: 'role', role: await aRole(tenant), target: { type: 'tenant', id } };
    const request = `${path}/requests/${(await done(user.post(`${path}/requests`, asked))).body.id}`;
    await done(user.post(`${request}/withdrawal`, {}));
    await twice((headers) => user.post(`${request}/withdrawal`, {}, headers));
    const next = `${path}/requests/${(await done(user.post(`${path}/requests`, asked))).body.id}`;
    await done(owner.post(`${next}/decision`, { decision: 'approved' }));
    await done(owner.post(`${next}/revocation`, {}));
    await twice(
      (headers) => owner.post(`${next}/revocation`, {}, headers),
      () => done(owner.post(`${next}/revocation`, { note: 'over' })),
    );
  });

  it('suspending a user who was suspended, and is reinstated since', async () => {
    const user = `/v1/users/${(await aUserWithToken(app)).id}`;
    await done(app.admin.post(`${user}/suspension`, {}));
    await twice(
      (headers) => app.admin.post(`${user}/suspension`, {}, headers),
      () => done(app.admin.post(`${user}/reinstatement`, {})),
    );
    expect((await app.admin.get(user)).body).toMatchObject({ active: true });
  });

  it('by who has no right to do it any more', async () => {
    const admin = await aMember(app, tenant, 'admin');
    const { owner, path } = tenant;
    await twice(
      (headers) => admin.patch(path, { name: tenant.name }, headers),
      () => done(owner.delete(`${path}/members/${admin.id}`)),
    );
  });
});
