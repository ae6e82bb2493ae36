import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';
import {
  aMember,
  aTenant,
  aUserWithToken,
  aWorkspace,
  checkedApp,
  done,
  ifMatch,
  relationships,
  relationshipsNaming,
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

const statuses = async (calls: Promise<{ status: number }>[]): Promise<number[]> =>
  (await Promise.all(calls)).map(({ status }) => status).sort();
const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

it('TW-066 of two admins who remove each other at once exactly one succeeds, and one remains', async () => {
  for (let round = 0; round < 5; round++) {
    const { owner, path, id } = await aTenant(app);
    const other = await aUserWithToken(app);
    await done(owner.post(`${path}/members`, { userId: other.id, role: 'admin' }));
    const answers = await Promise.all([
      owner.delete(`${path}/members/${other.id}`),
      other.delete(`${path}/members/${owner.id}`),
    ]);
    const succeeded = answers.filter(({ status }) => status === 204);
    expect(succeeded).toHaveLength(1);
    const admins = (await relationships(app, 'tenant', id)).filter((tuple) => tuple.includes('#admin@'));
    expect(admins).toHaveLength(1);
  }
});

it('of two admins who demote each other at once exactly one succeeds', async () => {
  const other = await aMember(app, tenant, 'admin');
  const answers = await statuses([
    tenant.owner.patch(`${tenant.path}/members/${other.id}`, { role: 'member' }),
    other.patch(`${tenant.path}/members/${tenant.owner.id}`, { role: 'member' }),
  ]);
  expect(answers[0]).toBe(200);
  expect([403, 409]).toContain(answers[1]);
});

it('TW-041 of many who create a tenant of one name at once one succeeds', async () => {
  const name = uniqueName('contested');
  const spellings = [name, name.toUpperCase(), ` ${name}`, name.replace('c', '\uff43'), name];
  expect(await statuses(spellings.map((spelling) => tenant.owner.post('/v1/tenants', { name: spelling })))).toEqual([
    201, 409, 409, 409, 409,
  ]);
});

it('TW-081 of two who create a workspace of one name at once one succeeds', async () => {
  const body = { name: 'contested', parentId: tenant.rootId };
  expect(await statuses(times(2, () => tenant.owner.post(`${tenant.path}/workspaces`, body)))).toEqual([201, 409]);
});

it('TW-084 many workspaces created at once are all there', async () => {
  const calls = times(20, (i) =>
    tenant.owner.post(`${tenant.path}/workspaces`, { name: `w${i}`, parentId: tenant.rootId }),
  );
  expect(await statuses(calls)).toEqual(times(20, () => 201));
  await app.settled();
  expect((await tenant.owner.get(`${tenant.path}/workspaces`)).body.items).toHaveLength(21);
});

it('of several who change the same revision of a tenant or a workspace one succeeds', async () => {
  const workspace = `${tenant.path}/workspaces/${await aWorkspace(tenant)}`;
  for (const path of [workspace, tenant.path]) {
    const calls = times(4, () => tenant.owner.patch(path, { name: uniqueName('raced') }, ifMatch(1)));
    expect(await statuses(calls)).toEqual([200, 412, 412, 412]);
    expect((await tenant.owner.get(path)).body.revision).toBe(2);
  }
});

it('of who changes and who removes the same revision of a member one succeeds', async () => {
  const [ours, other] = [await aTenant(app), await aMember(app, tenant)];
  const { owner, path } = ours;
  for (let round = 0; round < 3; round++) {
    await done(owner.post(`${path}/members`, { userId: other.id, role: 'member' }));
    const seen = {
      'if-match': (await owner.post(`${path}/members`, { userId: other.id, role: 'member' })).headers.get('etag')!,
    };
    const answers = await Promise.all([
      owner.patch(`${path}/members/${other.id}`, { role: 'member', until: '2090-01-01T00:00:00Z' }, seen),
      owner.delete(`${path}/members/${other.id}`, seen),
    ]);
    expect(answers.filter(({ status }) => status < 300)).toHaveLength(1);
    await owner.delete(`${path}/members/${other.id}`);
  }
});

it('the names that were not taken in a race for a tenant’s name are free', async () => {
  const names = times(4, () => uniqueName('raced'));
  const answers = await Promise.all(names.map((name) => tenant.owner.patch(tenant.path, { name }, ifMatch(1))));
  const losers = names.filter((_, i) => answers[i]!.status !== 200);
  for (const name of [...losers, tenant.name])
    expect((await tenant.owner.post('/v1/tenants', { name })).status).toBe(201);
});

it('a tenant that is renamed to and fro at once keeps the one name it has', async () => {
  const [a, b] = [tenant.name, uniqueName('other')];
  for (let round = 0; round < 5; round++) {
    await Promise.all([a, b, a, b].map((name) => tenant.owner.patch(tenant.path, { name })));
    await app.settled();
    const { name } = (await tenant.owner.get(tenant.path)).body as unknown as { name: string };
    const free = name === a ? b : a;
    expect((await tenant.owner.post('/v1/tenants', { name })).status).toBe(409);
    const created = await tenant.owner.post('/v1/tenants', { name: free });
    expect(created.status).toBe(201);
    await done(tenant.owner.delete(`/v1/tenants/${created.body.id as string}`));
  }
});

it('workspaces moved below each other at once make no cycle', async () => {
  const [a, b] = [await aWorkspace(tenant), await aWorkspace(tenant)];
  const path = `${tenant.path}/workspaces`;
  const moves = [
    tenant.owner.patch(`${path}/${a}`, { parentId: b }),
    tenant.owner.patch(`${path}/${b}`, { parentId: a }),
  ];
  expect(await statuses(moves)).toEqual([200, 409]);
});

it('a workspace that is deleted while something is created below it is either gone alone or kept', async () => {
  const path = `${tenant.path}/workspaces`;
  for (let round = 0; round < 5; round++) {
    const parentId = await aWorkspace(tenant);
    const [deleted, created] = await Promise.all([
      tenant.owner.delete(`${path}/${parentId}`),
      tenant.owner.post(path, { name: uniqueName('late'), parentId }),
    ]);
    expect([`${deleted.status} ${created.status}`]).toEqual([expect.stringMatching(/^(204 404|409 201)$/)]);
    if (deleted.status === 204) expect(await relationshipsNaming(app, parentId)).toEqual([]);
  }
});

it('a workspace that is deleted while roles on it are given leaves no relationship', async () => {
  for (let round = 0; round < 8; round++) {
    const workspace = `${tenant.path}/workspaces/${await aWorkspace(tenant)}`;
    const people = await Promise.all(times(3, () => aUserWithToken(app)));
    await Promise.all([
      ...people.map(({ id }) => tenant.owner.post(`${workspace}/members`, { userId: id, role: 'editor' })),
      tenant.owner.delete(workspace),
    ]);
    const id = workspace.slice(-26);
    expect(await relationshipsNaming(app, id)).toEqual([]);
    expect((await tenant.owner.get(`${tenant.path}/assignments?targetId=${id}`)).body.items).toEqual([]);
  }
});

it('a member who is removed while roles in workspaces are given holds what was given after, or nothing', async () => {
  const workspace = await aWorkspace(tenant);
  for (let round = 0; round < 5; round++) {
    const member = await aMember(app, tenant);
    const [given] = await Promise.all([
      tenant.owner.post(`${tenant.path}/workspaces/${workspace}/members`, { userId: member.id, role: 'editor' }),
      tenant.owner.delete(`${tenant.path}/members/${member.id}`),
    ]);
    expect(given.status).toBe(201);
    const order = (await tenantEvents(app, tenant.id)).filter(({ data }) => JSON.stringify(data).includes(member.id));
    const types = order.map(({ type }) => type);
    const keeps = types.lastIndexOf('role-granted.v1') > types.indexOf('tenant-member-removed.v1');
    const expected = keeps ? [`workspace:${workspace}#editor@user:${member.id}`] : [];
    expect(await relationships(app, 'workspace', member.id)).toEqual(expected);
    const { body } = await tenant.owner.get(`${tenant.path}/assignments?subjectId=${member.id}`);
    expect(body.items).toHaveLength(expected.length);
  }
});

it('two roles given to one person at once leave them with one', async () => {
  const members = `${tenant.path}/workspaces/${await aWorkspace(tenant)}/members`;
  const person = await aUserWithToken(app);
  const calls = ['admin', 'editor', 'member'].map((role) => tenant.owner.post(members, { userId: person.id, role }));
  expect(await statuses(calls)).toEqual([201, 201, 201]);
  expect(await relationships(app, 'workspace', person.id)).toHaveLength(1);
});

it('a member who is promoted and demoted at once is an admin if that was decided last', async () => {
  const member = await aMember(app, tenant);
  const path = `${tenant.path}/members/${member.id}`;
  for (let round = 0; round < 4; round++) {
    await Promise.all(['admin', 'member', 'admin'].map((role) => tenant.owner.patch(path, { role })));
    const decisions = (await app.runtime.log.readStream(`tenant-${tenant.id}`)).map(({ type }) => type);
    const isAdmin = decisions.at(-1) === 'tenant-admin-granted.v1';
    const asAdmin = [
      `tenant:${tenant.id}#admin@user:${member.id}`,
      `workspace:${tenant.rootId}#admin@user:${member.id}`,
    ];
    const held = [
      ...(await relationships(app, 'tenant', member.id)),
      ...(await relationships(app, 'workspace', member.id)),
    ];
    expect(held.filter((tuple) => tuple.includes('#admin@'))).toEqual(isAdmin ? asAdmin : []);
    expect(isAdmin || held.length === 1).toBe(true);
  }
});
