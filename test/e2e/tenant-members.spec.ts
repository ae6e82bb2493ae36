import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';
import {
  aMember,
  aRole,
  aTenant,
  aUserWithToken,
  aWorkspace,
  checkedApp,
  consistency,
  done,
  everything,
  ifMatch,
  relationships,
  tenantEvents,
  type TestTenant,
  UNKNOWN,
} from './world.js';

let app: TestApp;
let tenant: TestTenant;
let members: string;

checkedApp(async () => (app = await startTestApp()));

beforeEach(async () => {
  tenant = await aTenant(app);
  members = `${tenant.path}/members`;
});

const admin = (userId: string): string => `tenant:${tenant.id}#admin@user:${userId}`;
const member = (userId: string): string => `tenant:${tenant.id}#member@user:${userId}`;
const rootAdmin = (userId: string): string => `workspace:${tenant.rootId}#admin@user:${userId}`;
const ofTenant = async (userId: string): Promise<string[]> =>
  (await relationships(app, 'tenant', tenant.id)).filter((tuple) => tuple.endsWith(`@user:${userId}`));
const ofRoot = async (userId: string): Promise<string[]> =>
  (await relationships(app, 'workspace', tenant.rootId)).filter((tuple) => tuple.endsWith(`@user:${userId}`));

describe('adding a member', () => {
  it('MG-083 answers 201 with what they hold now; SpiceDB and the list have it', async () => {
    const user = await aUserWithToken(app);
    const answer = await tenant.owner.post(members, { userId: user.id, role: 'member' });
    expect(answer).toMatchObject({
      status: 201,
      body: {
        subject: { type: 'user', id: user.id },
        target: { type: 'tenant', id: tenant.id },
        roles: [{ role: 'member', until: null, sources: ['direct'] }],
        revision: 1,
        effective: true,
      },
    });
    expect(await ofTenant(user.id)).toEqual([member(user.id)]);
    const { body } = await tenant.owner.get(members, consistency(answer));
    expect(body.items).toEqual([
      expect.objectContaining({ subject: { type: 'user', id: tenant.owner.id }, displayName: tenant.owner.name }),
      expect.objectContaining({ subject: { type: 'user', id: user.id }, displayName: user.name, active: true }),
    ]);
    expect((await tenant.owner.get(`${members}?role=admin`)).body.items).toHaveLength(1);
  });

  it('a second time changes nothing', async () => {
    const user = await aMember(app, tenant);
    const before = await everything(app, tenant);
    expect(await tenant.owner.post(members, { userId: user.id, role: 'member' })).toMatchObject({ status: 201 });
    expect(await everything(app, tenant)).toEqual(before);
  });

  it('TW-067 as an admin makes them admin of the root workspace, too', async () => {
    const user = await aMember(app, tenant, 'admin');
    expect(await ofTenant(user.id)).toEqual([admin(user.id)]);
    expect(await ofRoot(user.id)).toEqual([rootAdmin(user.id)]);
    expect((await user.get(members)).status).toBe(200);
  });

  it.each([
    ['TW-062 the role owner', { role: 'owner' }, 'role'],
    ['a role of workspaces', { role: 'editor' }, 'role'],
    ['no role', { role: undefined }, 'role'],
    ['no user', { userId: undefined }, 'userId'],
    ['a user that is no id', { userId: 'nobody' }, 'userId'],
    ['a user who does not exist', { userId: UNKNOWN }, 'userId'],
    ['an end without a zone', { until: '2099-01-01T00:00:00' }, 'until'],
    ['an end in the past', { until: '2020-01-01T00:00:00Z' }, 'until'],
    ['a day that there is not', { until: '2099-02-30T00:00:00Z' }, 'until'],
    ['a field that it does not know', { source: 'direct' }, 'source'],
  ])('is refused with 422: %s', async (_fault, change, field) => {
    const user = await aUserWithToken(app);
    const answer = await tenant.owner.post(members, { userId: user.id, role: 'member', ...change });
    expect(answer).toMatchObject({ status: 422, body: { field } });
    expect(await ofTenant(user.id)).toEqual([]);
  });

  it('is refused for a user who was deactivated', async () => {
    const user = await aUserWithToken(app);
    await done(app.admin.delete(`/v1/users/${user.id}`));
    expect(await tenant.owner.post(members, { userId: user.id, role: 'member' })).toMatchObject({
      status: 422,
      body: { code: 'subject-not-found', field: 'userId' },
    });
  });
});

describe('who is no admin', () => {
  it('TW-061 TW-068 MG-083 a plain member is answered 403, also for the list; a stranger as if there were no tenant', async () => {
    const [plain, stranger] = [await aMember(app, tenant), await aUserWithToken(app)];
    const before = await everything(app, tenant);
    for (const call of [
      (by: typeof plain, path: string) => by.get(path),
      (by: typeof plain, path: string) => by.get(`${path}/${plain.id}`),
      (by: typeof plain, path: string) => by.post(path, { userId: plain.id, role: 'admin' }),
      (by: typeof plain, path: string) => by.patch(`${path}/${plain.id}`, { role: 'admin' }),
      (by: typeof plain, path: string) => by.delete(`${path}/${tenant.owner.id}`),
    ]) {
      expect(await call(plain, members)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
      const hidden = await call(stranger, members);
      expect(hidden.status).toBe(404);
      expect((await call(stranger, `/v1/tenants/${UNKNOWN}/members`)).body).toEqual(hidden.body);
    }
    expect(await everything(app, tenant)).toEqual(before);
  });

  it('TW-061 TW-063 malformed ids are answered 400', async () => {
    for (const answer of [
      await tenant.owner.get('/v1/tenants/nonsense/members'),
      await tenant.owner.get(`${members}/nonsense`),
      await tenant.owner.patch(`${members}/nonsense`, { role: 'member' }),
      await tenant.owner.delete(`${members}/nonsense`),
    ]) {
      expect(answer).toMatchObject({ status: 400, body: { code: 'malformed-id' } });
    }
    for (const query of ['role=owner', 'limit=0', 'limit=201', 'page=2']) {
      expect((await tenant.owner.get(`${members}?${query}`)).status).toBe(400);
    }
  });
});

describe('one member', () => {
  it('MG-084 is read like in the list; 404 for who is none here, known or not, or no more', async () => {
    const user = await aMember(app, tenant);
    const path = `${members}/${user.id.toLowerCase()}`;
    const { body: list } = await tenant.owner.get(members);
    const listed = list.items.find(({ subject }: { subject: { id: string } }) => subject.id === user.id);
    expect(listed).toMatchObject({ roles: [{ role: 'member', until: null }], displayName: user.name });
    expect(await tenant.owner.get(path)).toMatchObject({ status: 200, body: listed });
    const missing = await tenant.owner.get(`${members}/${UNKNOWN}`);
    expect(missing).toMatchObject({ status: 404, body: { code: 'not-found' } });
    const other = await aTenant(app);
    expect((await tenant.owner.get(`${members}/${other.owner.id}`)).body).toEqual(missing.body);
    expect((await tenant.owner.get(`${other.path}/members/${other.owner.id}`)).body).toEqual(missing.body);
    await done(tenant.owner.delete(path));
    expect((await tenant.owner.get(path)).body).toEqual(missing.body);
  });
});

describe('changing a member', () => {
  it('MG-085 to a role of the tenant answers 200, and audits the roles before and after', async () => {
    const [user, auditor] = [await aMember(app, tenant), await aRole(tenant)];
    const changed = await tenant.owner.patch(`${members}/${user.id}`, { role: auditor });
    expect(changed).toMatchObject({ status: 200, body: { roles: [{ role: 'member' }, { role: auditor }] } });
    const subject = `user:${user.id}`;
    const { body } = await tenant.owner.get(`${tenant.path}/audit-log?limit=1`, consistency(changed));
    expect(body.items).toMatchObject([
      {
        ...{ action: 'role.granted', actor: { id: tenant.owner.id }, resource: { type: 'tenant', id: tenant.id } },
        oldValues: { subject, roles: ['member'] },
        newValues: { subject, roles: ['member', auditor], role: auditor },
      },
    ]);
  });

  it.each<[string, unknown, number]>([
    ['no role', undefined, 422],
    ['a word that no role has', 'nurse', 422],
    ['a role of workspaces', 'editor', 422],
    ['an id that no role has', UNKNOWN, 404],
  ])('MG-086 is refused for %s, and nothing changes', async (_fault, role, status) => {
    const user = await aMember(app, tenant);
    const before = await everything(app, tenant);
    expect((await tenant.owner.patch(`${members}/${user.id}`, { role })).status).toBe(status);
    expect(await everything(app, tenant)).toEqual(before);
  });

  it('TW-067 a promoted member is admin of the root workspace; a demoted one no more', async () => {
    const user = await aMember(app, tenant);
    const promoted = await tenant.owner.patch(`${members}/${user.id}`, { role: 'admin' });
    expect(promoted).toMatchObject({ status: 200, body: { roles: [{ role: 'admin', until: null }] } });
    expect(await ofTenant(user.id)).toEqual([admin(user.id)]);
    expect(await ofRoot(user.id)).toEqual([rootAdmin(user.id)]);
    const demoted = await tenant.owner.patch(`${members}/${user.id}`, { role: 'member' });
    expect(demoted).toMatchObject({ status: 200, body: { roles: [{ role: 'member', until: null }] } });
    expect(await ofTenant(user.id)).toEqual([member(user.id)]);
    expect(await ofRoot(user.id)).toEqual([]);
    expect((await user.get(members)).status).toBe(403);
  });

  it('keeps what a demoted admin was given in the root workspace itself', async () => {
    const user = await aMember(app, tenant, 'admin');
    await done(
      tenant.owner.post(`${tenant.path}/workspaces/${tenant.rootId}/members`, { userId: user.id, role: 'admin' }),
    );
    await done(tenant.owner.patch(`${members}/${user.id}`, { role: 'member' }));
    expect(await ofRoot(user.id)).toEqual([rootAdmin(user.id)]);
    await done(tenant.owner.delete(`${members}/${user.id}`));
    expect(await ofRoot(user.id)).toEqual([]);
  });

  it('MG-086 answers 404 for who is no member, known or not', async () => {
    const stranger = await aUserWithToken(app);
    const notMember = await tenant.owner.patch(`${members}/${stranger.id}`, { role: 'admin' });
    expect(notMember.status).toBe(404);
    expect((await tenant.owner.patch(`${members}/${UNKNOWN}`, { role: 'admin' })).body).toEqual(notMember.body);
  });

  it('MG-087 is refused with 422 for a role that there is not, and with 409 for the last admin', async () => {
    const path = `${members}/${tenant.owner.id}`;
    expect(await tenant.owner.patch(path, { role: 'owner' })).toMatchObject({ status: 422, body: { field: 'role' } });
    const before = await everything(app, tenant);
    expect(await tenant.owner.patch(path, { role: 'member' })).toMatchObject({
      status: 409,
      body: { code: 'last-admin' },
    });
    expect(await everything(app, tenant)).toEqual(before);
  });
});

describe('a member that somebody else changed since', () => {
  it('is neither changed nor removed by who saw an earlier state', async () => {
    const user = await aUserWithToken(app);
    const added = await done(tenant.owner.post(members, { userId: user.id, role: 'admin' }));
    expect(added.headers.get('etag')).toBe('"1"');
    const changed = await done(tenant.owner.patch(`${members}/${user.id}`, { role: 'member' }, ifMatch(1)));
    expect(changed.body.revision).toBeGreaterThan(1);
    const before = await everything(app, tenant);
    for (const answer of [
      await tenant.owner.patch(`${members}/${user.id}`, { role: 'admin' }, ifMatch(1)),
      await tenant.owner.delete(`${members}/${user.id}`, ifMatch(1)),
    ]) {
      expect(answer).toMatchObject({ status: 412, body: { code: 'stale-revision' } });
    }
    expect(await everything(app, tenant)).toEqual(before);
    const seen = ifMatch(changed.body.revision);
    expect((await tenant.owner.delete(`${members}/${user.id}`, seen)).status).toBe(204);
  });
});

describe('removing a member', () => {
  it('TW-063 TW-021 answers 204; nothing of them is left in SpiceDB, nor in the list', async () => {
    const user = await aMember(app, tenant, 'admin');
    const answer = await tenant.owner.delete(`${members}/${user.id}`);
    expect(answer).toMatchObject({ status: 204, body: undefined });
    expect(answer.headers.get('etag')).toBeNull();
    expect(await ofTenant(user.id)).toEqual([]);
    expect(await ofRoot(user.id)).toEqual([]);
    expect((await tenant.owner.get(members, consistency(answer))).body.items).toHaveLength(1);
    expect((await user.get(tenant.path)).status).toBe(404);
  });

  it('TW-063 MG-087 is refused with 409 for the last admin, and nothing changes', async () => {
    const before = await everything(app, tenant);
    expect(await tenant.owner.delete(`${members}/${tenant.owner.id}`)).toMatchObject({
      status: 409,
      body: { code: 'last-admin' },
    });
    expect(await everything(app, tenant)).toEqual(before);
  });

  it('does not count an admin with an end as one who remains', async () => {
    const user = await aUserWithToken(app);
    const until = new Date(Date.now() + 3_600_000).toISOString();
    await done(tenant.owner.post(members, { userId: user.id, role: 'admin', until }));
    expect((await user.delete(`${members}/${tenant.owner.id}`)).status).toBe(409);
    const another = await aMember(app, tenant, 'admin');
    expect((await another.delete(`${members}/${tenant.owner.id}`)).status).toBe(204);
  });

  it('answers 404 for who is no member, and a second time', async () => {
    const user = await aMember(app, tenant);
    expect((await tenant.owner.delete(`${members}/${UNKNOWN}`)).status).toBe(404);
    expect((await tenant.owner.delete(`${members}/${user.id}`)).status).toBe(204);
    expect((await tenant.owner.delete(`${members}/${user.id}`)).status).toBe(404);
  });

  it('X-006 ends what they hold in its workspaces, and nothing elsewhere', async () => {
    const user = await aMember(app, tenant);
    const other = await aTenant(app, { owner: user });
    const workspace = await aWorkspace(tenant);
    await done(
      tenant.owner.post(`${tenant.path}/workspaces/${workspace}/members`, { userId: user.id, role: 'editor' }),
    );
    await done(tenant.owner.delete(`${members}/${user.id}`));
    expect(await relationships(app, 'workspace', user.id)).toEqual([`workspace:${other.rootId}#admin@user:${user.id}`]);
    expect((await user.get(`${tenant.path}/workspaces/${workspace}`)).status).toBe(404);
    const assignments = await tenant.owner.get(`${tenant.path}/assignments?subjectId=${user.id}`);
    expect(assignments.body.items).toEqual([]);
  });

  it('re-adding gives what is given now, and nothing of before', async () => {
    const user = await aMember(app, tenant);
    const workspace = await aWorkspace(tenant);
    const path = `${tenant.path}/workspaces/${workspace}/members`;
    await done(tenant.owner.post(path, { userId: user.id, role: 'editor' }));
    await done(tenant.owner.delete(`${members}/${user.id}`));
    await done(tenant.owner.post(members, { userId: user.id, role: 'member' }));
    expect(await ofTenant(user.id)).toEqual([member(user.id)]);
    expect(await relationships(app, 'workspace', user.id)).toEqual([]);
    const added = await done(tenant.owner.post(path, { userId: user.id, role: 'member' }));
    expect(added.body).toMatchObject({ roles: [{ role: 'member', sources: ['direct'] }] });
    expect(await relationships(app, 'workspace', user.id)).toEqual([`workspace:${workspace}#member@user:${user.id}`]);
  });

  it('leaves a guest of a workspace, who is no member, where they are', async () => {
    const guest = await aUserWithToken(app, 'guest');
    const workspace = await aWorkspace(tenant);
    await done(
      tenant.owner.post(`${tenant.path}/workspaces/${workspace}/members`, { userId: guest.id, role: 'member' }),
    );
    expect((await guest.get(`${tenant.path}/workspaces/${workspace}`)).status).toBe(200);
    expect((await guest.get(tenant.path)).status).toBe(404);
    expect((await tenant.owner.delete(`${members}/${guest.id}`)).status).toBe(404);
    expect((await guest.get(`${tenant.path}/workspaces/${workspace}`)).status).toBe(200);
  });

  it('of an admin is for another one, as is the change of their role (MG-086, MG-092)', async () => {
    const admin = await aMember(app, tenant, 'admin');
    const own = `${members}/${admin.id}`;
    const before = await everything(app, tenant);
    const refused = { status: 403, body: { code: 'own-membership' } };
    expect(await admin.delete(own)).toMatchObject(refused);
    for (const role of ['member', 'admin']) {
      expect(await admin.patch(own, { role })).toMatchObject(refused);
      expect(await admin.post(members, { userId: admin.id, role })).toMatchObject(refused);
      const assigned = { subject: { type: 'user', id: admin.id }, role, target: { type: 'tenant', id: tenant.id } };
      expect(await admin.post(`${tenant.path}/assignments`, assigned)).toMatchObject(refused);
    }
    expect(await everything(app, tenant)).toEqual(before);
    expect((await tenant.owner.delete(own)).status).toBe(204);
    expect((await admin.get(tenant.path)).status).toBe(404);
    const types = (await tenantEvents(app, tenant.id)).map(({ type }) => type);
    expect(types.slice(-2)).toEqual(['tenant-admin-ended.v1', 'tenant-member-removed.v1']);
  });

  it('of oneself, like one’s change, is refused to who changes plain members, too; to leave is to give a role up', async () => {
    const clerk = await aMember(app, tenant);
    const permissions = ['members:read', 'members:update', 'members:delete'];
    const { body: role } = await done(tenant.owner.post(`${tenant.path}/roles`, { name: 'clerk', permissions }));
    const subject = { type: 'user', id: clerk.id };
    const target = { type: 'tenant', id: tenant.id };
    await done(tenant.owner.post(`${tenant.path}/assignments`, { subject, role: role.id, target }));
    const until = '2090-01-01T00:00:00Z';
    expect(await clerk.patch(`${members}/${clerk.id}`, { role: 'member', until })).toMatchObject({ status: 403 });
    expect(await clerk.delete(`${members}/${clerk.id}`)).toMatchObject({ body: { code: 'own-membership' } });
    const { body } = await done(clerk.get(`${tenant.path}/assignments?subjectId=${clerk.id}&role=member`));
    expect((await clerk.delete(`${tenant.path}/assignments/${body.items[0].id}`)).status).toBe(204);
    const plain = await aMember(app, tenant);
    expect((await plain.get(`${tenant.path}/assignments`)).status).toBe(403);
    const { body: held } = await done(plain.get(`${tenant.path}/assignments?subjectId=${plain.id.toLowerCase()}`));
    const own = `${tenant.path}/assignments/${held.items[0].id}`;
    expect((await (await aMember(app, tenant)).delete(own)).status).toBe(403);
    expect((await plain.delete(own)).status).toBe(204);
    expect((await plain.get(tenant.path)).status).toBe(404);
  });
});
