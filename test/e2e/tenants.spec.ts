import type { AnswerBody } from '../../libs/testing/api-client.js';
import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';
import {
  allPages,
  aMember,
  type Answered,
  aTenant,
  aUserWithToken,
  checkedApp,
  consistency,
  done,
  everything,
  ifMatch,
  relationships,
  relationshipsNaming,
  tenantEvents,
  uniqueName,
  UNKNOWN,
} from './world.js';

let app: TestApp;

checkedApp(async () => (app = await startTestApp()));

const BAD_NAMES: [string, unknown][] = [
  ['no name', undefined],
  ['an empty name', ''],
  ['a blank name', ' \t\u200b '],
  ['null', null],
  ['a number', 7],
  ['a list', ['Acme']],
  ['a name of 256 characters', 'x'.repeat(256)],
  ['half a surrogate pair', 'a\ud800'],
];

describe('creating a tenant', () => {
  it('TW-040 answers 201 with its id, its name and the revision 1', async () => {
    const user = await aUserWithToken(app);
    const name = uniqueName('Acme');
    const answer = await user.post('/v1/tenants', { name: ` ${name} ` });
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({
      id: expect.stringMatching(/^[0-9A-HJKMNP-TV-Z]{26}$/),
      name,
      rootWorkspaceId: expect.stringMatching(/^[0-9A-HJKMNP-TV-Z]{26}$/),
      requestableRoles: ['tenant:member', 'workspace:admin', 'workspace:editor', 'workspace:member'],
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      updatedAt: answer.body.createdAt,
      revision: 1,
      token: answer.headers.get('consistency-token'),
      effective: true,
    });
    expect(answer.headers.get('etag')).toBe('"1"');
    const { token: _token, effective: _effective, ...resource } = answer.body;
    expect((await user.get(`/v1/tenants/${answer.body.id}`, consistency(answer))).body).toEqual(resource);
  });

  it('TW-024 TW-049 makes its creator admin of the tenant and of its root workspace', async () => {
    const tenant = await aTenant(app);
    expect(await relationshipsNaming(app, tenant.id)).toEqual([
      `tenant:${tenant.id}#admin@user:${tenant.owner.id}`,
      `tenant:${tenant.id}#root_workspace@workspace:${tenant.rootId}`,
      `workspace:${tenant.rootId}#creator_tenant@tenant:${tenant.id}`,
      `workspace:${tenant.rootId}#tenant@tenant:${tenant.id}`,
    ]);
    expect(await relationships(app, 'workspace', tenant.rootId)).toContain(
      `workspace:${tenant.rootId}#admin@user:${tenant.owner.id}`,
    );
  });

  it('TW-047 names the root workspace like the tenant where nothing else is configured', async () => {
    const tenant = await aTenant(app);
    const root = await tenant.owner.get(`${tenant.path}/workspaces/${tenant.rootId}`);
    expect(root.body).toMatchObject({ name: tenant.name, isRoot: true, parentId: null });
  });

  it('is never seen without its root workspace: that one comes first in the log', async () => {
    const tenant = await aTenant(app);
    expect((await tenantEvents(app, tenant.id)).map(({ type }) => type)).toEqual([
      'tenant-name-claimed.v1',
      'workspace-created.v1',
      'tenant-created.v1',
      'tenant-admin-granted.v1',
    ]);
  });

  it.each([
    ['the same', (name: string) => name],
    ['another case', (name: string) => name.toUpperCase()],
    ['full-width letters', (name: string) => name.replace('T', '\uff34')],
    ['spaces at its ends', (name: string) => `  ${name} `],
    ['characters that nobody sees', (name: string) => name.replace('k', 'k\u200d\ufe0f')],
  ])('TW-041 is refused with 409 for a name that is taken: %s', async (_how, spelling) => {
    const tenant = await aTenant(app, { name: uniqueName('Taken') });
    const answer = await tenant.owner.post('/v1/tenants', { name: spelling(tenant.name) });
    expect(answer).toMatchObject({ status: 409, body: { code: 'tenant-name-taken', field: 'name' } });
  });

  it.each(BAD_NAMES)('TW-042 is refused with 422 for %s', async (_fault, name) => {
    const answer = await app.admin.post('/v1/tenants', { name });
    expect(answer).toMatchObject({ status: 422, body: { code: 'invalid', field: 'name' } });
    expect(answer.headers.get('content-type')).toMatch('application/problem+json');
  });

  it('TW-042 takes a name of 255 characters, counted as people do', async () => {
    const name = `${uniqueName('')}${'\u{1f600}'.repeat(250)}`.trim().slice(0, 500);
    expect(await app.admin.post('/v1/tenants', { name })).toMatchObject({ status: 201, body: { name } });
  });

  it('is refused with 422 for a field that it does not know, 400 for what is not JSON, 401 for nobody', async () => {
    expect(await app.admin.post('/v1/tenants', { name: 'x', id: UNKNOWN })).toMatchObject({
      status: 422,
      body: { field: 'id' },
    });
    expect(await app.admin.post('/v1/tenants', '{"name":')).toMatchObject({
      status: 400,
      body: { code: 'malformed-json' },
    });
    expect(await app.as().post('/v1/tenants', { name: 'x' })).toMatchObject({ status: 401 });
  });
});

describe('reading a tenant', () => {
  it('TW-043 MG-006 answers its viewers, in either case of the id, whatever headers say; 400 for what is no id', async () => {
    const tenant = await aTenant(app);
    const member = await aMember(app, tenant);
    for (const path of [tenant.path, `/v1/tenants/${tenant.id.toLowerCase()}`]) {
      expect(await member.get(path)).toMatchObject({ status: 200, body: { id: tenant.id, name: tenant.name } });
    }
    const other = await aTenant(app, { owner: tenant.owner });
    const named = await tenant.owner.get(tenant.path, { 'x-tenant-id': other.id, 'tenant-id': other.id });
    expect(named.body).toMatchObject({ id: tenant.id });
    const malformed = await member.get('/v1/tenants/not-a-ulid');
    expect(malformed).toMatchObject({ status: 400, body: { code: 'malformed-id', field: 'tenantId' } });
  });

  it('TW-056 answers the same 404 for a tenant that is not there and one the caller may not view', async () => {
    const tenant = await aTenant(app);
    const stranger = await aUserWithToken(app);
    for (const path of ['', '/members', '/assignments', '/requestable-roles']) {
      const hidden = await stranger.get(tenant.path + path);
      const missing = await stranger.get(`/v1/tenants/${UNKNOWN}${path}`);
      expect(hidden).toMatchObject({ status: 404, body: { code: 'not-found' } });
      expect(missing.body).toEqual(hidden.body);
    }
  });

  it('TW-044 lists all that were created, and the default tenant, to who may view them', async () => {
    const tenant = await aTenant(app, { owner: Object.assign(await aUserWithToken(app), {}) });
    await done(tenant.owner.post(`${tenant.path}/members`, { userId: app.installation.adminUserId, role: 'member' }));
    const listed = (await allPages(app.admin, '/v1/tenants', 2)).map(({ id }) => id as string);
    expect(listed).toEqual(expect.arrayContaining([tenant.id, app.installation.defaultTenantId]));
    expect(new Set(listed).size).toBe(listed.length);
  });

  it('TW-057 lists to a caller the tenants they belong to, and none to who belongs to none', async () => {
    const [a, b] = [await aTenant(app), await aTenant(app)];
    await aTenant(app);
    const caller = await aUserWithToken(app);
    expect((await caller.get('/v1/tenants')).body).toEqual({ items: [], nextCursor: null });
    for (const { owner, path } of [a, b])
      await done(owner.post(`${path}/members`, { userId: caller.id, role: 'member' }));
    expect((await caller.get('/v1/tenants')).body.items?.map(({ id }: AnswerBody) => id)).toEqual([a.id, b.id]);
    expect((await caller.get(`/v1/tenants?name=${encodeURIComponent(b.name)}`)).body.items).toHaveLength(1);
  });

  it.each(['limit=0', 'limit=201', 'limit=-1', 'limit=x', 'limit=1.5', 'limit=', 'offset=1', 'limit=1&limit=2'])(
    'answers 400 to a list with %s',
    async (query) => {
      expect(await app.admin.get(`/v1/tenants?${query}`)).toMatchObject({
        status: 400,
        body: { code: 'malformed-query', field: query.split('=')[0] },
      });
    },
  );

  it('answers 400 to a cursor that is forged, of another list or of other filters', async () => {
    const owner = await aUserWithToken(app);
    const tenant = await aTenant(app, { owner });
    await aTenant(app, { owner });
    const { body } = await owner.get('/v1/tenants?limit=1');
    const cursor = encodeURIComponent(body.nextCursor as string);
    for (const path of [
      '/v1/tenants?cursor=x.y',
      `/v1/tenants?cursor=${cursor}&name=x`,
      `${tenant.path}/workspaces?cursor=${cursor}`,
    ]) {
      expect(await owner.get(path)).toMatchObject({ status: 400, body: { field: 'cursor' } });
    }
    expect((await app.admin.get(`/v1/tenants?cursor=${cursor}`)).status).toBe(400);
  });
});

describe('renaming a tenant', () => {
  it('answers with the new name and revision, and frees the old name', async () => {
    const tenant = await aTenant(app);
    const name = uniqueName('renamed');
    const renamed = await tenant.owner.patch(tenant.path, { name }, ifMatch(1));
    expect(renamed).toMatchObject({ status: 200, body: { id: tenant.id, name, revision: 2 } });
    expect(renamed.headers.get('etag')).toBe('"2"');
    expect((await tenant.owner.get(tenant.path)).body).toMatchObject({ name, revision: 2 });
    expect((await tenant.owner.post('/v1/tenants', { name })).status).toBe(409);
    expect((await tenant.owner.post('/v1/tenants', { name: tenant.name })).status).toBe(201);
  });

  it('keeps the name reserved when only its spelling changes', async () => {
    const tenant = await aTenant(app);
    const name = tenant.name.toUpperCase();
    expect(await tenant.owner.patch(tenant.path, { name })).toMatchObject({ status: 200, body: { name, revision: 2 } });
    expect((await tenant.owner.post('/v1/tenants', { name: tenant.name })).status).toBe(409);
  });

  it('there and back again frees the name in between alone', async () => {
    const tenant = await aTenant(app);
    const between = uniqueName('between');
    await done(tenant.owner.patch(tenant.path, { name: between }));
    const back = await tenant.owner.patch(tenant.path, { name: tenant.name });
    expect(back.body).toMatchObject({ name: tenant.name, revision: 3 });
    expect((await tenant.owner.post('/v1/tenants', { name: tenant.name })).status).toBe(409);
    expect((await tenant.owner.post('/v1/tenants', { name: between })).status).toBe(201);
  });

  it('to its present name changes nothing', async () => {
    const tenant = await aTenant(app);
    const before = await everything(app, tenant);
    expect(await tenant.owner.patch(tenant.path, { name: tenant.name })).toMatchObject({
      status: 200,
      body: { name: tenant.name, revision: 1 },
    });
    expect(await everything(app, tenant)).toEqual(before);
  });

  it.each(BAD_NAMES)('is refused with 422 for %s', async (_fault, name) => {
    const { owner, path } = await aTenant(app);
    expect(await owner.patch(path, { name })).toMatchObject({ status: 422, body: { field: 'name' } });
  });

  it('is refused with 409 for a name that is taken, and with 412 to who saw an earlier state', async () => {
    const [tenant, other] = [await aTenant(app), await aTenant(app)];
    const before = await everything(app, tenant);
    expect(await tenant.owner.patch(tenant.path, { name: other.name })).toMatchObject({
      status: 409,
      body: { code: 'tenant-name-taken', field: 'name' },
    });
    expect(await tenant.owner.patch(tenant.path, { name: uniqueName('x') }, ifMatch(9))).toMatchObject({
      status: 412,
      body: { code: 'stale-revision' },
    });
    expect((await tenant.owner.patch(tenant.path, { name: 'x' }, { 'if-match': 'nonsense' })).status).toBe(400);
    expect(await everything(app, tenant)).toEqual(before);
  });

  it('is refused with 403 to a plain member, with 404 to others', async () => {
    const tenant = await aTenant(app);
    const [member, stranger] = [await aMember(app, tenant), await aUserWithToken(app)];
    expect(await member.patch(tenant.path, { name: 'x' })).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect((await stranger.patch(tenant.path, { name: 'x' })).status).toBe(404);
    expect((await member.patch('/v1/tenants/nonsense', { name: 'x' })).status).toBe(400);
  });
});

describe('the requestable roles of a tenant', () => {
  const roles = ['tenant:admin', 'workspace:member'];

  it('are set by its admins and read by its members', async () => {
    const tenant = await aTenant(app);
    const member = await aMember(app, tenant);
    const set = await tenant.owner.put(`${tenant.path}/requestable-roles`, { items: roles }, ifMatch(1));
    expect(set).toMatchObject({ status: 200, body: { requestableRoles: roles, revision: 2 } });
    expect((await member.get(`${tenant.path}/requestable-roles`)).body).toEqual({
      items: roles,
      nextCursor: null,
      revision: 2,
    });
    expect((await tenant.owner.put(`${tenant.path}/requestable-roles`, { items: [] }, ifMatch(1))).status).toBe(412);
    expect((await member.put(`${tenant.path}/requestable-roles`, { items: [] })).status).toBe(403);
    expect((await tenant.owner.put(`${tenant.path}/requestable-roles`, { items: [] })).body.requestableRoles).toEqual(
      [],
    );
  });

  it.each([
    ['none', undefined],
    ['one that there is not', ['tenant:owner']],
    ['no list', 'tenant:admin'],
    ['too many', Array.from({ length: 6 }, () => 'tenant:admin')],
  ])('are refused with 422: %s', async (_fault, items) => {
    const { owner, path } = await aTenant(app);
    expect(await owner.put(`${path}/requestable-roles`, { items })).toMatchObject({
      status: 422,
      body: { field: 'items' },
    });
  });
});

describe('names of every kind', () => {
  it('MG-016 MG-018 lose control characters, and are text, where things are made and where they are changed', async () => {
    const { owner, path, rootId } = await aTenant(app);
    const within = (noun: string) => `${path}/${noun}`;
    const robot = (await done(owner.post(within('service-accounts'), { name: 'robot' }))).body.id as string;
    const role = (await done(owner.post(within('roles'), { name: 'role', permissions: ['apps:read'] }))).body
      .id as string;
    const doors: ((name: unknown) => Promise<Answered>)[] = [
      (name) => owner.post('/v1/tenants', { name }),
      (name) => owner.patch(path, { name }),
      (name) => owner.post(within('workspaces'), { name, parentId: rootId }),
      (name) => owner.patch(within(`workspaces/${rootId}`), { name }),
      (name) => owner.post(within('roles'), { name, permissions: ['apps:read'] }),
      (name) => owner.patch(within(`roles/${role}`), { name }),
      (name) => owner.post(within('service-accounts'), { name }),
      (name) => owner.patch(within(`service-accounts/${robot}`), { name }),
      (name) => owner.post(within(`service-accounts/${robot}/tokens`), { name }),
      (name) => owner.post(within('api-keys'), { name }),
      (name) => owner.post('/v1/me/tokens', { name }),
      (displayName) => owner.patch('/v1/me', { displayName }),
      (displayName) => app.admin.post('/v1/users', { displayName }),
    ];
    for (const [index, door] of doors.entries()) {
      for (const name of [5, true, [], {}, '\u0000\u200b'])
        expect([index, (await door(name)).status]).toEqual([index, 422]);
      const name = uniqueName('clean');
      const { status, body } = await door(`\u0007${name.slice(0, 3)}\u0000\u009f\u2028${name.slice(3)}\u200b`);
      expect([index, status < 300, body.name ?? body.displayName]).toEqual([index, true, name]);
    }
  });
});

describe('other verbs', () => {
  it('MG-007 MG-008 are answered 405 with those that are offered, and a path with a slash at its end as unknown', async () => {
    const tenant = await aTenant(app);
    for (const path of [tenant.path, `${tenant.path}/members`, `${tenant.path}/roles`, '/v1/me', '/healthz']) {
      const slashed = await tenant.owner.get(`${path}/`);
      expect(slashed).toMatchObject({ status: 404, body: { code: 'not-found' } });
      expect(slashed.headers.get('location')).toBeNull();
    }
    const stranger = await aUserWithToken(app);
    for (const [path, allow] of [
      [`${tenant.path}/members`, 'GET, HEAD, POST'],
      [`${tenant.path}/members/${UNKNOWN}`, 'DELETE, GET, HEAD, PATCH'],
      [`${tenant.path}/roles/${UNKNOWN}`, 'DELETE, GET, HEAD, PATCH'],
      [`${tenant.path}/requests/${UNKNOWN}/decision`, 'POST'],
      ['/healthz', 'GET, HEAD'],
    ] as const) {
      const refused = await stranger.put(path, {});
      expect(refused).toMatchObject({ status: 405, body: { code: 'method-not-allowed' } });
      expect(refused.headers.get('allow')).toBe(allow);
    }
    const answer = await tenant.owner.put(tenant.path, { name: 'x' });
    expect(answer).toMatchObject({ status: 405, body: { code: 'method-not-allowed' } });
    expect(answer.headers.get('allow')).toBe('DELETE, GET, HEAD, PATCH');
    expect((await tenant.owner.delete('/v1/tenants')).headers.get('allow')).toBe('GET, HEAD, POST');
  });
});
