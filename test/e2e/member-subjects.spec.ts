import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';
import {
  aMember,
  aServiceAccount,
  aTenant,
  aUserWithToken,
  aWorkspace,
  checkedApp,
  done,
  everything,
  ifMatch,
  key,
  relationshipsNaming,
  tenantEvents,
  type TestTenant,
  uniqueName,
  UNKNOWN,
} from './world.js';

let app: TestApp;
let tenant: TestTenant;
let workspace: string;
let members: string;
let workspaceMembers: string;

checkedApp(async () => (app = await startTestApp()));

beforeAll(async () => {
  tenant = await aTenant(app);
  workspace = await aWorkspace(tenant);
  members = `${tenant.path}/members`;
  workspaceMembers = `${tenant.path}/workspaces/${workspace}/members`;
});

const aRobot = (within = tenant) => aServiceAccount(app, within);

describe('a service account as a member', () => {
  it('is added, listed, changed and removed like a person', async () => {
    const robot = await aRobot();
    for (const [path, role] of [
      [members, 'member'],
      [workspaceMembers, 'editor'],
    ] as const) {
      const added = await tenant.owner.post(path, { subject: robot.subject, role });
      expect(added).toMatchObject({
        status: 201,
        body: { subject: robot.subject, roles: [{ role }], effective: true },
      });
      expect((await done(tenant.owner.get(`${path}?limit=200`))).body.items).toContainEqual(
        expect.objectContaining({ subject: robot.subject, displayName: robot.name, active: true }),
      );
    }
    expect((await robot.get(tenant.path)).status).toBe(200);
    const until = '2099-01-01T00:00:00.000Z';
    const changed = await tenant.owner.patch(`${workspaceMembers}/${robot.id}`, { role: 'admin', until });
    expect(changed).toMatchObject({ status: 200, body: { subject: robot.subject, roles: [{ role: 'admin', until }] } });
    expect((await tenant.owner.delete(`${workspaceMembers}/${robot.id}`, ifMatch(1))).status).toBe(412);
    expect((await tenant.owner.delete(`${workspaceMembers}/${robot.id}`)).status).toBe(204);
    expect((await tenant.owner.delete(`${workspaceMembers}/${robot.id}`)).status).toBe(404);
    expect((await robot.get(`${tenant.path}/workspaces/${workspace}`)).status).toBe(404);
  });

  it('loses all it holds, and what it asked for, by one event when it is removed from the tenant', async () => {
    const robot = await aRobot();
    await done(tenant.owner.post(members, { subject: robot.subject, role: 'member' }));
    const body = { name: uniqueName('role'), permissions: ['apps:read'], requestable: true };
    const { body: role } = await done(tenant.owner.post(`${tenant.path}/roles`, body));
    await done(tenant.owner.post(workspaceMembers, { subject: robot.subject, role: role.id }));
    const asked = { kind: 'role', role: 'editor', target: { type: 'workspace', id: workspace } };
    const { body: request } = await done(robot.post(`${tenant.path}/requests`, asked));
    expect((await tenant.owner.delete(`${members}/${robot.id}`, ifMatch(7))).status).toBe(412);
    expect((await tenant.owner.delete(`${members}/${robot.id}`, ifMatch(1))).status).toBe(204);
    expect(await relationshipsNaming(app, robot.id)).toEqual([]);
    const types = (await tenantEvents(app, tenant.id)).filter(({ data }) => data['serviceAccountId'] === robot.id);
    expect(types.at(-1)).toMatchObject({ type: 'tenant-service-account-removed.v1', data: { roles: ['member'] } });
    expect((await done(tenant.owner.get(`${tenant.path}/requests/${request.id}`))).body).toMatchObject({
      status: 'closed',
      closeReason: 'requester-removed',
    });
    expect((await tenant.owner.delete(`${members}/${robot.id}`)).status).toBe(404);
    // It is still there, and may come back.
    expect((await tenant.owner.post(members, { subject: robot.subject, role: 'member' })).status).toBe(201);
    expect((await robot.get(tenant.path)).status).toBe(200);
  });

  it('is answered alike when the call is repeated, also once it is deleted', async () => {
    const robot = await aRobot();
    const body = { subject: robot.subject, role: 'member' };
    const first = await done(tenant.owner.post(members, body, key('add-robot')));
    const again = await tenant.owner.post(members, body, key('add-robot'));
    expect(again.body).toMatchObject({ subject: robot.subject, roles: first.body.roles, revision: 1 });
    await done(tenant.owner.delete(`${members}/${robot.id}`, key('remove-robot')));
    await done(tenant.owner.delete(robot.path));
    expect((await tenant.owner.delete(`${members}/${robot.id}`, key('remove-robot'))).status).toBe(204);
  });

  it('does not administrate the tenant, and is none of another tenant', async () => {
    const [robot, foreign] = [await aRobot(), await aRobot(await aTenant(app))];
    const before = await everything(app, tenant);
    expect(await tenant.owner.post(members, { subject: robot.subject, role: 'admin' })).toMatchObject({
      status: 422,
      body: { code: 'role-not-for-service-accounts', field: 'role' },
    });
    for (const path of [members, workspaceMembers]) {
      expect(await tenant.owner.post(path, { subject: foreign.subject, role: 'member' })).toMatchObject({
        status: 422,
        body: { code: 'subject-not-found', field: 'subject.id' },
      });
      expect((await tenant.owner.patch(`${path}/${foreign.id}`, { role: 'member' })).status).toBe(404);
      expect((await tenant.owner.delete(`${path}/${foreign.id}`)).status).toBe(404);
    }
    expect(await everything(app, tenant)).toEqual(before);
  });
});

describe('adding a member', () => {
  it('as a subject is the same as by the id of the user', async () => {
    const user = await aUserWithToken(app);
    const subject = { type: 'user', id: user.id };
    const first = await done(tenant.owner.post(members, { userId: user.id, role: 'member' }));
    const second = await done(tenant.owner.post(members, { subject, role: 'member' }));
    expect(second.body).toMatchObject({ subject, roles: first.body.roles, revision: 1 });
  });

  it.each<[string, object, string]>([
    ['nobody', {}, 'userId'],
    ['somebody twice', { userId: UNKNOWN, subject: { type: 'user', id: UNKNOWN } }, 'subject'],
    ['no object', { subject: UNKNOWN }, 'subject'],
    ['null', { subject: null }, 'subject'],
    ['no type', { subject: { id: UNKNOWN } }, 'subject.type'],
    ['a type that there is not', { subject: { type: 'group', id: UNKNOWN } }, 'subject.type'],
    ['no id', { subject: { type: 'user' } }, 'subject.id'],
    ['an id that is none', { subject: { type: 'user', id: 'x' } }, 'subject.id'],
    ['an unknown user', { subject: { type: 'user', id: UNKNOWN } }, 'subject.id'],
    ['an unknown service account', { subject: { type: 'service_account', id: UNKNOWN } }, 'subject.id'],
    ['a field too much', { subject: { type: 'user', id: UNKNOWN, name: 'x' } }, 'subject.name'],
  ])('that names %s is refused with 422', async (_fault, named, field) => {
    for (const path of [members, workspaceMembers]) {
      expect(await tenant.owner.post(path, { ...named, role: 'member' })).toMatchObject({
        status: 422,
        body: { field },
      });
    }
  });

  it('with the type of the other is refused', async () => {
    const [robot, member] = [await aRobot(), await aMember(app, tenant)];
    for (const subject of [
      { type: 'user', id: robot.id },
      { type: 'service_account', id: member.id },
    ]) {
      expect((await tenant.owner.post(members, { subject, role: 'member' })).status).toBe(422);
    }
  });
});
