import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';
import {
  allPages,
  aMember,
  aTenant,
  aUserWithToken,
  aWorkspace,
  checkedApp,
  done,
  everything,
  ifMatch,
  type Person,
  relationships,
  type TestTenant,
  UNKNOWN,
} from './world.js';

let app: TestApp;
let tenant: TestTenant;
let workspace: string;
let assignments: string;

checkedApp(async () => (app = await startTestApp()));

beforeEach(async () => {
  tenant = await aTenant(app);
  workspace = await aWorkspace(tenant);
  assignments = `${tenant.path}/assignments`;
});

interface Asked {
  role?: unknown;
  target?: unknown;
  subject?: unknown;
  until?: unknown;
}
const onWorkspace = (id = workspace) => ({ type: 'workspace', id });
const onTenant = () => ({ type: 'tenant', id: tenant.id });
const assign = (to: Person, asked: Asked, by: Person = tenant.owner) =>
  by.post(assignments, { subject: { type: 'user', id: to.id }, role: 'editor', target: onWorkspace(), ...asked });
const idOf = async (person: Person, target: string, role: string): Promise<string> => {
  const { body } = await done(
    tenant.owner.get(`${assignments}?subjectId=${person.id}&targetId=${target}&role=${role}`),
  );
  return body.items![0]!.id;
};
const held = async (person: Person): Promise<string[]> => [
  ...(await relationships(app, 'tenant', `@user:${person.id}`)),
  ...(await relationships(app, 'workspace', `@user:${person.id}`)),
];

describe('assigning a role', () => {
  it('on a workspace or on the tenant gives it, and replaces another one there', async () => {
    const person = await aUserWithToken(app);
    expect(await assign(person, {})).toMatchObject({
      status: 201,
      body: { target: onWorkspace(), roles: [{ role: 'editor', sources: ['direct'] }], effective: true },
    });
    expect((await assign(person, { role: 'member' })).status).toBe(201);
    expect((await assign(person, { role: 'member', target: onTenant() })).status).toBe(201);
    expect(await held(person)).toEqual([
      `tenant:${tenant.id}#member@user:${person.id}`,
      `workspace:${workspace}#member@user:${person.id}`,
    ]);
    expect((await assign(person, { role: 'admin', target: onTenant() })).status).toBe(201);
    expect(await held(person)).toEqual(
      expect.arrayContaining([
        `tenant:${tenant.id}#admin@user:${person.id}`,
        `workspace:${tenant.rootId}#admin@user:${person.id}`,
      ]),
    );
    expect(await held(person)).not.toContain(`tenant:${tenant.id}#member@user:${person.id}`);
  });

  it.each<[string, Asked, string]>([
    ['a role that tenants do not have', { role: 'editor', target: { type: 'tenant', id: UNKNOWN } }, 'role'],
    ['a role that there is not', { role: 'owner' }, 'role'],
    ['no role', { role: undefined }, 'role'],
    ['no subject', { subject: undefined }, 'subject'],
    ['a subject that is no user', { subject: { type: 'group', id: UNKNOWN } }, 'subject.type'],
    ['a user who does not exist', { subject: { type: 'user', id: UNKNOWN } }, 'subject.id'],
    ['no target', { target: undefined }, 'target'],
    ['a target of another type', { target: { type: 'group', id: UNKNOWN } }, 'target.type'],
    ['a target without an id', { target: { type: 'workspace' } }, 'target.id'],
    ['an end in the past', { until: '2020-01-01T00:00:00Z' }, 'until'],
    ['an end that is no time', { until: 'tomorrow' }, 'until'],
  ])('is refused with 422: %s', async (_fault, asked, field) => {
    const before = await everything(app, tenant);
    expect(await assign(tenant.owner, asked)).toMatchObject({ status: 422, body: { field } });
    expect(await everything(app, tenant)).toEqual(before);
  });

  it('is refused with 403 to who sees the target alone, and as if it were not there to others', async () => {
    const [viewer, stranger] = [await aMember(app, tenant), await aUserWithToken(app)];
    await done(assign(viewer, { role: 'member' }));
    expect((await assign(stranger, {}, viewer)).status).toBe(403);
    expect((await assign(stranger, { role: 'member', target: onTenant() }, viewer)).status).toBe(403);
    const hidden = await assign(viewer, {}, stranger);
    expect(hidden.status).toBe(404);
    expect((await assign(viewer, { target: onWorkspace(UNKNOWN) })).body).toEqual(hidden.body);
    expect((await assign(viewer, { target: onWorkspace((await aTenant(app)).rootId) })).body).toEqual(hidden.body);
    const own = await aTenant(app, { owner: tenant.owner });
    expect((await assign(viewer, { target: onWorkspace(own.rootId) })).body).toEqual(hidden.body);
    expect((await assign(viewer, { role: 'member', target: { type: 'tenant', id: own.id } })).body).toEqual(
      hidden.body,
    );
  });
});

describe('the assignments of a tenant', () => {
  it('are listed source by source to its admins, in pages and with filters', async () => {
    const person = await aMember(app, tenant);
    await done(assign(person, {}));
    const listed = await allPages(tenant.owner, assignments, 1);
    expect(listed).toHaveLength(4);
    expect(listed).toContainEqual({
      id: expect.any(String),
      subject: { type: 'user', id: person.id },
      target: onWorkspace(),
      ...{ role: 'editor', source: 'direct', until: null, grantedAt: expect.any(String), grantedBy: tenant.owner.id },
    });
    for (const [query, count] of [
      [`subjectId=${person.id.toLowerCase()}`, 2],
      ['targetType=tenant', 2],
      [`targetId=${workspace}`, 2],
      ['role=admin', 2],
      [`role=editor&subjectId=${tenant.owner.id}`, 0],
    ]) {
      expect((await tenant.owner.get(`${assignments}?${query}`)).body.items).toHaveLength(count as number);
    }
    expect((await person.get(assignments)).status).toBe(403);
    expect((await person.get(`${assignments}?subjectId=${tenant.owner.id}`)).status).toBe(403);
    expect((await person.get(`${assignments}?subjectId=${person.id}`)).body.items).toHaveLength(2);
    const stranger = await aUserWithToken(app);
    for (const path of [assignments, `/v1/tenants/${UNKNOWN}/assignments`]) {
      expect((await stranger.get(`${path}?subjectId=${stranger.id}`)).status).toBe(404);
    }
    expect((await stranger.get(assignments)).status).toBe(404);
  });

  it.each(['subjectId=x', 'targetType=group', 'targetId=1', 'role=owner', 'limit=0', 'limit=201', 'source=direct'])(
    'are answered 400 for %s',
    async (query) => {
      expect(await tenant.owner.get(`${assignments}?${query}`)).toMatchObject({
        status: 400,
        body: { code: 'malformed-query', field: query.split('=')[0] },
      });
    },
  );
});

describe('removing an assignment', () => {
  it('RR-033 RR-034 ends the role whatever its sources, and only that; giving and ending count at once', async () => {
    const person = await aMember(app, tenant);
    const see = () => person.get(`${tenant.path}/workspaces/${workspace}`);
    expect((await see()).status).toBe(404);
    await done(assign(person, {}));
    expect((await see()).status).toBe(200);
    const answer = await tenant.owner.delete(`${assignments}/${await idOf(person, workspace, 'editor')}`);
    expect(answer).toMatchObject({ status: 204, body: undefined });
    expect((await see()).status).toBe(404);
    expect(await held(person)).toEqual([`tenant:${tenant.id}#member@user:${person.id}`]);
  });

  it('or giving one is refused with 412 to who saw an earlier state of the member', async () => {
    const person = await aMember(app, tenant);
    const given = await done(assign(person, {}));
    const admin = await done(assign(person, { role: 'admin', target: onTenant() }));
    const before = await everything(app, tenant);
    const asked = { subject: { type: 'user', id: person.id }, role: 'admin', target: onWorkspace() };
    const ids = [await idOf(person, workspace, 'editor'), await idOf(person, tenant.id, 'admin')];
    for (const answer of [
      await tenant.owner.post(assignments, asked, ifMatch(99)),
      ...(await Promise.all(ids.map((id) => tenant.owner.delete(`${assignments}/${id}`, ifMatch(99))))),
    ]) {
      expect(answer).toMatchObject({ status: 412, body: { code: 'stale-revision' } });
    }
    expect(await everything(app, tenant)).toEqual(before);
    const revisions = [given.body.revision, admin.body.revision];
    for (const [index, id] of ids.entries()) {
      expect((await tenant.owner.delete(`${assignments}/${id}`, ifMatch(revisions[index]!))).status).toBe(204);
    }
  });

  it('of a tenant admin takes the root workspace, too; the last one is refused with 409', async () => {
    const person = await aMember(app, tenant, 'admin');
    expect((await tenant.owner.delete(`${assignments}/${await idOf(person, tenant.id, 'admin')}`)).status).toBe(204);
    expect(await held(person)).toEqual([]);
    const before = await everything(app, tenant);
    const last = await tenant.owner.delete(`${assignments}/${await idOf(tenant.owner, tenant.id, 'admin')}`);
    expect(last).toMatchObject({ status: 409, body: { code: 'last-admin' } });
    expect(await everything(app, tenant)).toEqual(before);
  });

  it('answers 404 for one that is not there, of another tenant or hidden, 403 to who sees the target alone', async () => {
    const [person, viewer, stranger] = [
      await aMember(app, tenant),
      await aMember(app, tenant),
      await aUserWithToken(app),
    ];
    await done(assign(person, {}));
    await done(assign(viewer, { role: 'member' }));
    const id = await idOf(person, workspace, 'editor');
    const missing = await tenant.owner.delete(`${assignments}/nothing`);
    expect(missing.status).toBe(404);
    const other = await aTenant(app, { owner: tenant.owner });
    expect((await tenant.owner.delete(`${other.path}/assignments/${id}`)).body).toEqual(missing.body);
    expect((await stranger.delete(`${assignments}/${id}`)).body).toEqual(missing.body);
    expect((await viewer.delete(`${assignments}/${id}`)).status).toBe(403);
    expect((await tenant.owner.delete(`${assignments}/${id}`)).status).toBe(204);
    expect((await tenant.owner.delete(`${assignments}/${id}`)).body).toEqual(missing.body);
  });
});

it('what a guest of a workspace holds is theirs to list and to give up, though they don’t see the tenant', async () => {
  const [guest, stranger] = [await aUserWithToken(app, 'guest'), await aUserWithToken(app)];
  await done(assign(guest, {}));
  expect((await guest.get(tenant.path)).status).toBe(404);
  const own = `${assignments}?subjectId=${guest.id}`;
  const { body } = await done(guest.get(own));
  expect(body.items).toMatchObject([{ role: 'editor', target: onWorkspace(), source: 'direct' }]);
  const missing = await guest.get(`/v1/tenants/${UNKNOWN}/assignments?subjectId=${guest.id}`);
  expect(missing.status).toBe(404);
  expect((await guest.get(assignments)).body).toEqual(missing.body);
  expect((await stranger.get(own)).body).toEqual(missing.body);
  expect((await stranger.get(`${assignments}?subjectId=${stranger.id}`)).body).toEqual(missing.body);
  expect((await guest.delete(`${assignments}/${body.items![0]!.id}`)).status).toBe(204);
  expect(await held(guest)).toEqual([]);
  expect((await guest.get(own)).body).toEqual(missing.body);
});
