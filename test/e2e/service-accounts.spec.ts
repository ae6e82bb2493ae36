import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';
import { until } from '../../libs/testing/until.js';
import {
  allPages,
  aMember,
  type Answered,
  aServiceAccount,
  aTenant,
  aWorkspace,
  checkedApp,
  consistency,
  done,
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
let path: string;

checkedApp(async () => (app = await startTestApp()));

beforeAll(async () => {
  tenant = await aTenant(app);
  path = `${tenant.path}/service-accounts`;
});

const create = (name = uniqueName('robot'), within = tenant): Promise<Answered> =>
  done(within.owner.post(`${within.path}/service-accounts`, { name }));
const issue = (id: string, body: object = {}, within = tenant): Promise<Answered> =>
  done(within.owner.post(`${within.path}/service-accounts/${id}/tokens`, body));

const aRobot = (within = tenant) => aServiceAccount(app, within);

const give = (subject: object, role: string, target: object, within = tenant) =>
  within.owner.post(`${within.path}/assignments`, { subject, role, target });
const onTenant = (): object => ({ type: 'tenant', id: tenant.id });

describe('a service account', () => {
  it('is created, listed, read and renamed by a tenant admin (MG-062, MG-066, MG-067)', async () => {
    const { status, body } = await create('  deploy\u0000er ');
    expect({ status, body }).toMatchObject({
      status: 201,
      body: { name: 'deployer', tenantId: tenant.id, revision: 1 },
    });
    expect((await tenant.owner.get(`${path}/${body.id}`)).body).toMatchObject({ id: body.id, name: 'deployer' });
    expect((await allPages(tenant.owner, path, 100)).map(({ id }) => id)).toContain(body.id);
    expect((await tenant.owner.get(`${path}/${body.id}`)).body.tokens).toEqual({ items: [], nextCursor: null });
    const renamed = await tenant.owner.patch(`${path}/${body.id}`, { name: 'releaser' }, ifMatch(1));
    expect(renamed).toMatchObject({ status: 200, body: { name: 'releaser', revision: 2 } });
    expect((await tenant.owner.patch(`${path}/${body.id}`, { name: 'x' }, ifMatch(1))).status).toBe(412);
    const again = await tenant.owner.patch(`${path}/${body.id}`, { name: 'releaser' });
    expect(again).toMatchObject({ status: 200, body: { revision: 2 } });
    const types = (await tenantEvents(app, tenant.id)).filter(({ data }) => data.serviceAccountId === body.id);
    expect(types.map(({ type }) => type)).toEqual(['service-account-created.v1', 'service-account-renamed.v1']);
  });

  it.each([
    ['no name', {}, 'name'],
    ['a blank name', { name: ' ' }, 'name'],
    ['a name of 65 characters', { name: 'x'.repeat(65) }, 'name'],
    ['a name that is a number', { name: 5 }, 'name'],
    ['a field that it does not know', { name: 'x', roleId: 'Owner' }, 'roleId'],
  ])('is refused with 422: %s (MG-064, MG-067)', async (_fault, body, field) => {
    const { body: account } = await create();
    expect(await tenant.owner.post(path, body)).toMatchObject({ status: 422, body: { field } });
    expect(await tenant.owner.patch(`${path}/${account.id}`, body)).toMatchObject({ status: 422, body: { field } });
  });

  it('is for tenant admins: members are refused, strangers see nothing (MG-062, MG-068, MG-079)', async () => {
    const { body: account } = await create();
    const [member, stranger] = [await aMember(app, tenant), (await aTenant(app)).owner];
    const calls = (by: typeof member) => [
      by.get(path),
      by.post(path, { name: 'x' }),
      by.get(`${path}/${account.id}`),
      by.patch(`${path}/${account.id}`, { name: 'x' }),
      by.delete(`${path}/${account.id}`),
      by.get(`${path}/${account.id}/tokens`),
      by.post(`${path}/${account.id}/tokens`, {}),
      by.delete(`${path}/${account.id}/tokens/${UNKNOWN}`),
    ];
    for (const call of calls(member)) expect((await call).status).toBe(403);
    for (const call of calls(stranger)) expect((await call).status).toBe(404);
    expect((await tenant.owner.get(`${path}/${account.id}`)).body.name).toBe(account.name);
  });

  it('is missing the same way when it is unknown or of another tenant', async () => {
    const other = await aTenant(app);
    const { body: foreign } = await create(undefined, other);
    const missing = (await tenant.owner.get(`${path}/${UNKNOWN}`)).body;
    for (const id of [UNKNOWN, foreign.id as string]) {
      expect(await tenant.owner.get(`${path}/${id}`)).toMatchObject({ status: 404, body: missing });
      expect((await tenant.owner.patch(`${path}/${id}`, { name: 'x' })).status).toBe(404);
      expect((await tenant.owner.delete(`${path}/${id}`)).status).toBe(404);
      expect((await tenant.owner.get(`${path}/${id}/tokens`)).status).toBe(404);
      expect((await tenant.owner.post(`${path}/${id}/tokens`, {})).status).toBe(404);
    }
    expect((await tenant.owner.get(`${path}/nonsense`)).status).toBe(400);
    expect((await other.owner.get(`${other.path}/service-accounts/${foreign.id}`)).status).toBe(200);
  });

  it('is created once for a repeated call, and refused for another body with its key', async () => {
    const [first, second] = [
      await tenant.owner.post(path, { name: 'once' }, key('sa-1')),
      await tenant.owner.post(path, { name: 'once' }, key('sa-1')),
    ];
    expect(second.body.id).toBe(first.body.id);
    expect((await tenant.owner.post(path, { name: 'other' }, key('sa-1'))).status).toBe(422);
  });
});

describe('a token of a service account', () => {
  it('lets it call as itself; the secret is shown once and in no list (MG-065, MG-074, MG-078)', async () => {
    const { body: account } = await create();
    const issued = await issue(account.id);
    expect(issued).toMatchObject({ status: 201, body: { name: 'Default', expiresAt: null, revokedAt: null } });
    const secret = issued.body.secret as string;
    expect(secret).toMatch(/^csn_sat_/);
    const me = { status: 200, body: { id: account.id, type: 'service_account', displayName: account.name } };
    for (const form of [secret, `ServiceAccount ${secret}`]) {
      const authorization = `Bearer ${form}`;
      expect(await app.as().get('/v1/me', { authorization, ...consistency(issued) })).toMatchObject(me);
    }
    expect((await app.as().get('/v1/me', { authorization: `Bearer User ${secret}` })).status).toBe(401);
    const listed = await tenant.owner.get(`${path}/${account.id}/tokens`);
    expect(listed.body.items).toMatchObject([{ name: 'Default', expiresAt: null }]);
    const { body: trail } = await tenant.owner.get(`${tenant.path}/audit-log?resourceId=${issued.body.id}`);
    expect(trail.items).toMatchObject([
      { action: 'service-account-token.issued', newValues: { name: 'Default', expiresAt: null } },
    ]);
    for (const shown of [listed.body, trail]) expect(JSON.stringify(shown)).not.toMatch(/hmac|secret|csn_sat/i);
  });

  it('is shown with the account, without its secret, to who may list it (MG-066)', async () => {
    const robot = await aRobot();
    const { body } = await tenant.owner.get(`${path}/${robot.id}`);
    expect(body.tokens).toEqual({
      items: [expect.objectContaining({ id: robot.tokenId, name: 'Default', revokedAt: null })],
      nextCursor: null,
    });
    expect(body.tokens).toEqual((await tenant.owner.get(`${path}/${robot.id}/tokens`)).body);
    expect(JSON.stringify(body)).not.toContain(robot.secret);
    await done(give(robot.subject, 'member', onTenant()));
    expect((await robot.get(`${path}/${robot.id}`)).body).toMatchObject({ id: robot.id, tokens: null });
  });

  it('ends when it was asked to: after seconds, at a time, the time before the seconds (MG-074, MG-076, MG-077)', async () => {
    const { body: account } = await create();
    const { body: hour } = await issue(account.id, { name: 'hour', expiresIn: 3_600 });
    expect(Date.parse(hour.expiresAt) - Date.parse(hour.createdAt)).toBe(3_600_000);
    const expiresAt = '2050-01-01T12:00:00+02:00';
    const { body: both } = await issue(account.id, { name: 'both', expiresAt, expiresIn: 5 });
    expect(both.expiresAt).toBe('2050-01-01T10:00:00.000Z');
  });

  it.each([
    [{ expiresIn: 0 }, 'expiresIn'],
    [{ expiresIn: -1 }, 'expiresIn'],
    [{ expiresIn: true }, 'expiresIn'],
    [{ expiresIn: '60' }, 'expiresIn'],
    [{ expiresIn: 1.5 }, 'expiresIn'],
    [{ expiresIn: 1e12 }, 'expiresIn'],
    [{ expiresAt: '2050-01-01T12:00:00' }, 'expiresAt'],
    [{ expiresAt: '2020-01-01T12:00:00Z' }, 'expiresAt'],
    [{ expiresAt: 'soon' }, 'expiresAt'],
    [{ expiry: 5 }, 'expiry'],
    [{ name: 'x'.repeat(65) }, 'name'],
    [{ name: '' }, 'name'],
  ])('is refused with 422: %j (MG-065, MG-075, MG-076, MG-077)', async (body, field) => {
    const { body: account } = await create();
    const answer = await tenant.owner.post(`${path}/${account.id}/tokens`, body);
    expect(answer).toMatchObject({ status: 422, body: { field } });
    expect((await tenant.owner.get(`${path}/${account.id}/tokens`)).body.items).toEqual([]);
  });

  it('has its secret only in the first of repeated answers; two at once are one', async () => {
    const { body: account } = await create();
    const post = () => tenant.owner.post(`${path}/${account.id}/tokens`, {}, key(`token-${account.id}`));
    const answers = await Promise.all([post(), post(), post()]);
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(answers.filter(({ body }) => body.secret !== null)).toHaveLength(1);
  });

  it('is refused at the very next call once it is revoked (MG-081)', async () => {
    const robot = await aRobot();
    await done(robot.get('/v1/me'));
    const tokenPath = `${path}/${robot.id}/tokens/${robot.tokenId}`;
    const { body: other } = await create();
    expect((await tenant.owner.delete(`${path}/${other.id}/tokens/${robot.tokenId}`)).status).toBe(404);
    expect((await tenant.owner.delete(`${path}/${robot.id}/tokens/${UNKNOWN}`)).status).toBe(404);
    expect((await tenant.owner.delete(tokenPath)).status).toBe(204);
    expect(await robot.get('/v1/me')).toMatchObject({ status: 401, body: { detail: 'the token was revoked' } });
    expect(await tenant.owner.delete(tokenPath)).toMatchObject({
      status: 409,
      body: { code: 'token-already-revoked' },
    });
    const { body: trail } = await tenant.owner.get(`${tenant.path}/audit-log?resourceId=${robot.tokenId}`);
    expect(trail.items[0]).toMatchObject({
      ...{ action: 'service-account-token.revoked', oldValues: { name: 'Default', expiresAt: null } },
    });
  });

  it('tells when it was last used (MG-014)', async () => {
    const robot = await aRobot();
    const lastUsed = async () => {
      const { body } = await tenant.owner.get(`${path}/${robot.id}/tokens`);
      return (body.items[0].lastUsedAt ?? undefined) as string | undefined;
    };
    expect(await lastUsed()).toBeUndefined();
    await done(robot.get('/v1/me'));
    const first = await until(lastUsed);
    await done(robot.get('/v1/me'));
    await until(async () => (await lastUsed())! > first);
  });

  it('can’t be made by another service account, which sees nothing there (MG-080)', async () => {
    const [robot, other] = [await aRobot(), await aRobot()];
    expect((await robot.post(`${path}/${other.id}/tokens`, {})).status).toBe(404);
    await done(give(robot.subject, 'member', onTenant()));
    expect((await robot.post(`${path}/${other.id}/tokens`, {})).status).toBe(404);
    expect((await robot.get(`${path}/${other.id}`)).status).toBe(404);
    expect((await robot.get(`${path}/${robot.id}`)).status).toBe(200);
    expect((await robot.post(`${path}/${robot.id}/tokens`, {})).status).toBe(403);
    expect((await robot.get(path)).status).toBe(403);
    expect((await tenant.owner.get(`${path}/${other.id}/tokens`)).body.items).toHaveLength(1);
  });
});

describe('a service account as a subject', () => {
  it('holds roles of the tenant and its workspaces, but does not administrate the tenant', async () => {
    const robot = await aRobot();
    const workspaceId = await aWorkspace(tenant);
    const target = { type: 'workspace', id: workspaceId };
    expect((await robot.get(tenant.path)).status).toBe(404);
    expect((await give(robot.subject, 'member', onTenant())).status).toBe(201);
    expect((await robot.get(tenant.path)).status).toBe(200);
    expect(await give(robot.subject, 'admin', onTenant())).toMatchObject({
      ...{ status: 422, body: { code: 'role-not-for-service-accounts', field: 'role' } },
    });
    await done(give(robot.subject, 'editor', target));
    const members = await tenant.owner.get(`${tenant.path}/workspaces/${workspaceId}/members`);
    expect(members.body.items).toContainEqual(
      expect.objectContaining({ subject: robot.subject, displayName: robot.name, active: true }),
    );
    const check = { resource: target, permission: 'edit', subject: robot.subject };
    expect((await tenant.owner.post('/v1/permissions/check', check)).body).toEqual({ allowed: true });
    expect((await robot.post('/v1/permissions/check', { ...check, subject: undefined })).body).toEqual({
      allowed: true,
    });
    expect(await relationshipsNaming(app, robot.id)).toEqual([
      `tenant:${tenant.id}#member@service_account:${robot.id}`,
      `workspace:${workspaceId}#editor@service_account:${robot.id}`,
    ]);
  });

  it('becomes admin of the workspaces it creates', async () => {
    const robot = await aRobot();
    await done(give(robot.subject, 'member', onTenant()));
    const { body } = await done(
      robot.post(`${tenant.path}/workspaces`, { name: uniqueName('made'), parentId: tenant.rootId }),
    );
    expect(await relationshipsNaming(app, robot.id)).toContain(
      `workspace:${body.id}#admin@service_account:${robot.id}`,
    );
    expect((await robot.patch(`${tenant.path}/workspaces/${body.id}`, { name: uniqueName('renamed') })).status).toBe(
      200,
    );
  });

  it('asks for a role, gets it, and is on the record as itself', async () => {
    const robot = await aRobot();
    await done(give(robot.subject, 'member', onTenant()));
    const target = { type: 'workspace', id: await aWorkspace(tenant) };
    const ask = (role: string, on: object) => robot.post(`${tenant.path}/requests`, { kind: 'role', role, target: on });
    const asked = await ask('editor', target);
    expect(asked).toMatchObject({
      ...{ status: 201, body: { requester: { ...robot.subject, displayName: robot.name, active: true } } },
    });
    expect((await ask('editor', target)).status).toBe(409);
    expect((await robot.get(`${tenant.path}/requests?requester=@me`)).body.items).toMatchObject([
      { id: asked.body.id, requester: { displayName: robot.name, active: true } },
    ]);
    const decision = `${tenant.path}/requests/${asked.body.id}/decision`;
    expect((await robot.post(decision, { decision: 'approved' })).status).toBe(403);
    await done(tenant.owner.post(decision, { decision: 'approved' }));
    expect((await robot.post('/v1/permissions/check', { resource: target, permission: 'edit' })).body.allowed).toBe(
      true,
    );
    const { body: trail } = await tenant.owner.get(`${tenant.path}/audit-log?action=role-request.opened`);
    expect(trail.items[0].actor).toMatchObject({ type: 'service_account', id: robot.id, displayName: robot.name });
  });

  it('decides where it is admin, and is shown as the reviewer', async () => {
    const robot = await aRobot();
    const target = { type: 'workspace', id: await aWorkspace(tenant) };
    await done(give(robot.subject, 'member', onTenant()));
    await done(give(robot.subject, 'admin', target));
    const member = await aMember(app, tenant);
    const { body } = await done(member.post(`${tenant.path}/requests`, { kind: 'role', role: 'member', target }));
    const decided = await robot.post(`${tenant.path}/requests/${body.id}/decision`, { decision: 'approved' });
    expect(decided).toMatchObject({ status: 200, body: { reviewer: { ...robot.subject, displayName: robot.name } } });
    const { body: listed } = await member.get(`${tenant.path}/requests/${body.id}`);
    expect(listed.reviewer).toMatchObject({ ...robot.subject, displayName: robot.name, active: true });
  });

  it('is not found as a subject by another tenant, and makes no tenant and no token of a person', async () => {
    const [robot, other] = [await aRobot(), await aTenant(app)];
    expect(await give(robot.subject, 'member', { type: 'tenant', id: other.id }, other)).toMatchObject({
      ...{ status: 422, body: { code: 'subject-not-found', field: 'subject.id' } },
    });
    expect((await give({ type: 'service_account', id: UNKNOWN }, 'member', onTenant())).status).toBe(422);
    expect((await robot.post('/v1/tenants', { name: uniqueName('mine') })).status).toBe(403);
    expect((await robot.post('/v1/me/tokens', { name: 'mine' })).status).toBe(403);
    expect((await robot.patch('/v1/me', { displayName: 'me' })).status).toBe(403);
  });
});

describe('deleting a service account', () => {
  it('ends its tokens, all it holds and its requests at once, in one event (MG-068)', async () => {
    const robot = await aRobot();
    const target = { type: 'workspace', id: await aWorkspace(tenant) };
    await done(give(robot.subject, 'member', onTenant()));
    await done(give(robot.subject, 'editor', target));
    const { body: request } = await done(
      robot.post(`${tenant.path}/requests`, { kind: 'role', role: 'admin', target }),
    );
    expect(await tenant.owner.delete(`${path}/${robot.id}`, ifMatch(9))).toMatchObject({ status: 412 });
    expect((await tenant.owner.delete(`${path}/${robot.id}`)).status).toBe(204);
    expect((await robot.get('/v1/me')).status).toBe(401);
    expect(await relationshipsNaming(app, robot.id)).toEqual([]);
    expect((await tenant.owner.get(`${path}/${robot.id}`)).status).toBe(404);
    expect((await tenant.owner.delete(`${path}/${robot.id}`)).status).toBe(404);
    expect((await tenant.owner.get(`${tenant.path}/assignments?subjectId=${robot.id}`)).body.items).toEqual([]);
    expect((await tenant.owner.get(`${tenant.path}/requests/${request.id}`)).body).toMatchObject({
      ...{ status: 'closed', requester: { displayName: robot.name, active: false } },
    });
    expect((await give(robot.subject, 'member', onTenant())).status).toBe(422);
    const { body: trail } = await tenant.owner.get(`${tenant.path}/audit-log?resourceId=${robot.id}`);
    expect(trail.items[0]).toMatchObject({
      ...{ action: 'service-account.deleted', oldValues: { name: robot.name, tokens: [{ tokenId: robot.tokenId }] } },
    });
  });

  it('is answered the same when it is repeated', async () => {
    const { body: account } = await create();
    const remove = () => tenant.owner.delete(`${path}/${account.id}`, key(`delete-${account.id}`));
    expect([(await remove()).status, (await remove()).status]).toEqual([204, 204]);
  });

  it('happens with the tenant, whose tokens stop (X-005)', async () => {
    const gone = await aTenant(app);
    const robots = [await aRobot(gone), await aRobot(gone)];
    await done(gone.owner.delete(gone.path));
    await app.settled();
    for (const robot of robots) {
      expect((await robot.get('/v1/me')).status).toBe(401);
      expect(await relationshipsNaming(app, robot.id)).toEqual([]);
    }
    const types = (await tenantEvents(app, gone.id)).map(({ type }) => type);
    expect(types.filter((type) => type === 'service-account-deleted.v1')).toHaveLength(2);
    expect(types.lastIndexOf('service-account-deleted.v1')).toBeLessThan(types.indexOf('tenant-deleted.v1'));
  });
});
