import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';
import {
  allPages,
  aMember,
  aTenant,
  aWorkspace,
  checkedApp,
  done,
  everything,
  ifMatch,
  type Person,
  relationships,
  tenantEvents,
  type TestTenant,
  UNKNOWN,
} from './world.js';

let app: TestApp;
let tenant: TestTenant;
let workspace: string;
let members: string;

checkedApp(async () => (app = await startTestApp()));

beforeEach(async () => {
  tenant = await aTenant(app);
  workspace = await aWorkspace(tenant);
  members = `${tenant.path}/workspaces/${workspace}/members`;
});

const add = (person: Person, role: string) => tenant.owner.post(members, { userId: person.id, role });
const held = async (person: Person): Promise<string[]> =>
  (await relationships(app, 'workspace', workspace)).filter((tuple) => tuple.endsWith(`@user:${person.id}`));

describe('adding a member to a workspace', () => {
  it.each(['admin', 'editor', 'member'])('TW-033 as %s writes that relation to SpiceDB', async (role) => {
    const person = await aMember(app, tenant);
    const answer = await add(person, role);
    expect(answer).toMatchObject({
      status: 201,
      body: {
        subject: { type: 'user', id: person.id },
        target: { type: 'workspace', id: workspace },
        roles: [{ role, until: null, sources: ['direct'] }],
        revision: 1,
        effective: true,
      },
    });
    expect(answer.headers.get('etag')).toBe('"1"');
    expect(await held(person)).toEqual([`workspace:${workspace}#${role}@user:${person.id}`]);
  });

  it('TW-087 a second role directly replaces the first, in one event', async () => {
    const person = await aMember(app, tenant);
    await done(add(person, 'member'));
    const before = (await tenantEvents(app, tenant.id)).length;
    const second = await add(person, 'editor');
    expect(second.body).toMatchObject({ roles: [{ role: 'editor' }], revision: 2 });
    expect(await held(person)).toEqual([`workspace:${workspace}#editor@user:${person.id}`]);
    const added = (await tenantEvents(app, tenant.id)).slice(before);
    expect(added.map(({ type }) => type)).toEqual(['role-granted.v1']);
  });

  it('a second time changes nothing', async () => {
    const person = await aMember(app, tenant);
    await done(add(person, 'member'));
    const before = await everything(app, tenant);
    expect(await add(person, 'member')).toMatchObject({ status: 201, body: { revision: 1 } });
    expect(await everything(app, tenant)).toEqual(before);
  });

  it.each([
    ['a role that there is not', { role: 'owner' }, 'role'],
    ['no role', { role: undefined }, 'role'],
    ['no user', { userId: undefined }, 'userId'],
    ['a user who does not exist', { userId: UNKNOWN }, 'userId'],
    ['an end in the past', { until: '2020-01-01T00:00:00Z' }, 'until'],
    ['an end that is a number', { until: 1 }, 'until'],
  ])('is refused with 422: %s', async (_fault, change, field) => {
    const answer = await tenant.owner.post(members, { userId: tenant.owner.id, role: 'member', ...change });
    expect(answer).toMatchObject({ status: 422, body: { field } });
  });

  it('is for its admins and those of its tenant; an editor is answered 403, others 404', async () => {
    const [editor, tenantAdmin, plain] = [
      await aMember(app, tenant),
      await aMember(app, tenant, 'admin'),
      await aMember(app, tenant),
    ];
    await done(add(editor, 'editor'));
    const body = { userId: plain.id, role: 'member' };
    for (const call of [
      (by: Person) => by.post(members, body),
      (by: Person) => by.patch(`${members}/${editor.id}`, { role: 'admin' }),
      (by: Person) => by.delete(`${members}/${editor.id}`),
    ]) {
      expect(await call(editor)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
      expect((await call(plain)).status).toBe(404);
    }
    expect((await tenantAdmin.post(members, body)).status).toBe(201);
    expect((await plain.post(`${tenant.path}/workspaces/${UNKNOWN}/members`, body)).status).toBe(404);
    expect((await plain.post(`${tenant.path}/workspaces/nonsense/members`, body)).status).toBe(400);
  });
});

describe('the members of a workspace', () => {
  it('TW-087 MG-084 are listed with their roles to who may view it, in pages, and read one by one', async () => {
    const people = [await aMember(app, tenant), await aMember(app, tenant), await aMember(app, tenant)];
    for (const person of people) await done(add(person, 'member'));
    const listed = await allPages(people[0]!, members, 2);
    expect(listed).toEqual(
      [tenant.owner, ...people].map(({ id, name }) =>
        expect.objectContaining({ subject: { type: 'user', id }, displayName: name, active: true }),
      ),
    );
    expect(listed[0]).toMatchObject({ roles: [{ role: 'admin', until: null, sources: ['creation'] }] });
    expect((await tenant.owner.get(`${members}?role=admin`)).body.items).toHaveLength(1);
    const one = `${members}/${people[0]!.id.toLowerCase()}`;
    expect(await people[1]!.get(one)).toMatchObject({ status: 200, body: listed[1] });
    expect((await people[1]!.get(`${members}/${UNKNOWN}`)).status).toBe(404);
    const outsider = await aMember(app, tenant);
    expect((await people[1]!.get(`${members}/${outsider.id}`)).status).toBe(404);
    for (const path of [members, one]) expect((await outsider.get(path)).status).toBe(404);
    for (const query of ['role=owner', 'limit=201', 'x=1']) {
      expect((await tenant.owner.get(`${members}?${query}`)).status).toBe(400);
    }
  });

  it('are not there under another tenant', async () => {
    const other = await aTenant(app, { owner: tenant.owner });
    const foreign = `${other.path}/workspaces/${workspace}/members`;
    const person = await aMember(app, tenant);
    await done(add(person, 'editor'));
    const before = await everything(app, tenant);
    const missing = await tenant.owner.get(`${tenant.path}/workspaces/${UNKNOWN}/members`);
    expect(missing.status).toBe(404);
    expect((await tenant.owner.get(foreign)).body).toEqual(missing.body);
    expect((await tenant.owner.get(`${foreign}/${person.id}`)).body).toEqual(missing.body);
    expect((await tenant.owner.post(foreign, { userId: person.id, role: 'admin' })).body).toEqual(missing.body);
    expect((await tenant.owner.patch(`${foreign}/${person.id}`, { role: 'admin' })).body).toEqual(missing.body);
    expect((await tenant.owner.delete(`${foreign}/${person.id}`)).body).toEqual(missing.body);
    expect(await everything(app, tenant)).toEqual(before);
    expect(await held(person)).toEqual([`workspace:${workspace}#editor@user:${person.id}`]);
  });
});

describe('changing a member of a workspace', () => {
  it('TW-033 deletes the old relation and writes the new one', async () => {
    const person = await aMember(app, tenant);
    await done(add(person, 'member'));
    const changed = await tenant.owner.patch(`${members}/${person.id}`, { role: 'admin' });
    expect(changed).toMatchObject({ status: 200, body: { roles: [{ role: 'admin' }], revision: 2 } });
    expect(await held(person)).toEqual([`workspace:${workspace}#admin@user:${person.id}`]);
  });

  it('is refused with 404 for who holds nothing, 422 for a role that there is not, 400 for no id', async () => {
    const person = await aMember(app, tenant);
    expect((await tenant.owner.patch(`${members}/${person.id}`, { role: 'admin' })).status).toBe(404);
    expect((await tenant.owner.patch(`${members}/${UNKNOWN}`, { role: 'admin' })).status).toBe(404);
    expect((await tenant.owner.patch(`${members}/${tenant.owner.id}`, { role: 'x' })).status).toBe(422);
    expect((await tenant.owner.patch(`${members}/nonsense`, { role: 'admin' })).status).toBe(400);
  });
});

describe('a member that somebody else changed since', () => {
  it('is neither changed nor removed by who saw an earlier state', async () => {
    const person = await aMember(app, tenant);
    await done(add(person, 'member'));
    await done(tenant.owner.patch(`${members}/${person.id}`, { role: 'editor' }, ifMatch(1)));
    const before = await everything(app, tenant);
    for (const answer of [
      await tenant.owner.patch(`${members}/${person.id}`, { role: 'admin' }, ifMatch(1)),
      await tenant.owner.delete(`${members}/${person.id}`, ifMatch(1)),
    ]) {
      expect(answer).toMatchObject({ status: 412, body: { code: 'stale-revision' } });
    }
    expect(await everything(app, tenant)).toEqual(before);
    expect((await tenant.owner.delete(`${members}/${person.id}`, ifMatch(2))).status).toBe(204);
  });
});

describe('removing a member of a workspace', () => {
  it('TW-033 answers 204, and the relation is gone', async () => {
    const person = await aMember(app, tenant);
    await done(add(person, 'editor'));
    expect(await tenant.owner.delete(`${members}/${person.id}`)).toMatchObject({ status: 204, body: undefined });
    expect(await held(person)).toEqual([]);
    expect((await person.get(`${tenant.path}/workspaces/${workspace}`)).status).toBe(404);
    expect((await tenant.owner.delete(`${members}/${person.id}`)).status).toBe(404);
    expect((await tenant.owner.delete(`${members}/nonsense`)).status).toBe(400);
  });

  it('MG-083 is possible for its last admin: the tenant’s admins still change its members', async () => {
    expect((await tenant.owner.delete(`${members}/${tenant.owner.id}`)).status).toBe(204);
    expect(await tenant.owner.get(members)).toMatchObject({ status: 200, body: { items: [], nextCursor: null } });
    expect((await tenant.owner.patch(`${tenant.path}/workspaces/${workspace}`, { name: 'x' })).status).toBe(403);
    expect((await add(tenant.owner, 'admin')).status).toBe(201);
    expect((await tenant.owner.patch(`${tenant.path}/workspaces/${workspace}`, { name: 'x' })).status).toBe(200);
  });

  it('and adding again leaves them with what was given last', async () => {
    const person = await aMember(app, tenant);
    for (const role of ['admin', 'editor', 'member']) {
      await done(add(person, role));
      await done(tenant.owner.delete(`${members}/${person.id}`));
    }
    await done(add(person, 'editor'));
    expect(await held(person)).toEqual([`workspace:${workspace}#editor@user:${person.id}`]);
  });
});
