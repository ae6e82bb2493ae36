import { AUDIENCE, TestOidcProvider } from '../../libs/testing/oidc-provider.js';
import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';
import { until } from '../../libs/testing/until.js';
import {
  aMember,
  aTenant,
  aUserWithToken,
  consistency,
  done,
  ifMatch,
  key as idempotency,
  type Person,
  relationshipsNaming,
  stopChecked,
  tenantEvents,
  type TestTenant,
  UNKNOWN,
} from './world.js';

let ahead = 0;
let provider: TestOidcProvider;
let app: TestApp;
let tenant: TestTenant;
let member: Person;
let path: string;

beforeAll(async () => {
  provider = await TestOidcProvider.start();
  app = await startTestApp({
    clock: { now: () => new Date(Date.now() + ahead) },
    env: { OIDC_ISSUER: provider.issuer, OIDC_AUDIENCE: AUDIENCE },
  });
  tenant = await aTenant(app);
  path = `${tenant.path}/api-keys`;
});

afterAll(async () => {
  await stopChecked(app);
  await provider.down();
});

beforeEach(async () => {
  member = await aMember(app, tenant);
});

const create = (name = 'script', by: Person = member, body: object = {}) => by.post(path, { name, ...body });
const withKey = (secret: string, to = '/v1/me', headers: Record<string, string> = {}) =>
  app.as().get(to, { 'x-api-key': secret, ...headers });

describe('an API key', () => {
  it('is told once, known by its first 12 characters, and in no list as a secret (TW-092)', async () => {
    const answer = await create();
    expect(answer).toMatchObject({ status: 201, body: { name: 'script', userId: member.id, tenantId: tenant.id } });
    const { secret, prefix, id } = answer.body as { secret: string; prefix: string; id: string };
    expect([secret.startsWith('csn_key_'), prefix]).toEqual([true, secret.slice(0, 12)]);
    const { body: listed } = await member.get(path);
    expect(listed.items).toMatchObject([{ id, prefix, revokedAt: null, lastUsedAt: null }]);
    const { body: trail } = await tenant.owner.get(`${tenant.path}/audit-log?resourceId=${id}`);
    expect(trail.items).toMatchObject([{ action: 'api-key.created', actor: { id: member.id } }]);
    for (const shown of [listed, trail]) expect(JSON.stringify(shown)).not.toMatch(/hmac|secret/i);
    expect(await relationshipsNaming(app, id)).toEqual([
      `api_key:${id}#owner@user:${member.id}`,
      `api_key:${id}#tenant@tenant:${tenant.id}`,
    ]);
  });

  it('ends after 30 days unless told otherwise (TW-093)', async () => {
    const days = ({ createdAt, expiresAt }: { createdAt?: string; expiresAt?: string }): number =>
      (Date.parse(expiresAt!) - Date.parse(createdAt!)) / 86_400_000;
    expect(days((await create('a')).body)).toBe(30);
    expect(days((await create('b', member, { expiresInDays: 3_650 })).body)).toBe(3_650);
  });

  it.each([
    [{ name: undefined }, 'name'],
    [{ name: '' }, 'name'],
    [{ name: 'x'.repeat(256) }, 'name'],
    [{ expiresInDays: 0 }, 'expiresInDays'],
    [{ expiresInDays: 3_651 }, 'expiresInDays'],
    [{ expiresInDays: null }, 'expiresInDays'],
    [{ expiresInDays: '30' }, 'expiresInDays'],
    [{ owner: 'x' }, 'owner'],
  ])('is refused with 422: %j (TW-093)', async (body, field) => {
    expect(await create('script', member, body)).toMatchObject({ status: 422, body: { field } });
  });

  it('has a name that no other working key of its owner for the tenant has (TW-093)', async () => {
    await done(create('taken'));
    expect(await create(' TAKEN ')).toMatchObject({ status: 409, body: { code: 'api-key-name-taken', field: 'name' } });
    expect((await create('taken', await aMember(app, tenant))).status).toBe(201);
    const both = await Promise.all([create('race'), create('race')]);
    expect(both.map(({ status }) => status).sort()).toEqual([201, 409]);
  });

  it('is for members of the tenant', async () => {
    const stranger = await aUserWithToken(app);
    expect((await create('x', stranger)).status).toBe(404);
    expect((await stranger.get(path)).status).toBe(404);
    expect((await member.post(`/v1/tenants/${UNKNOWN}/api-keys`, { name: 'x' })).status).toBe(404);
    expect((await app.as().post(path, { name: 'x' })).status).toBe(401);
  });

  it('has its secret only in the first of repeated answers', async () => {
    const post = () => member.post(path, { name: 'again' }, idempotency('an-api-key'));
    const [first, second] = [await post(), await post()];
    expect(second.body).toMatchObject({ id: first.body.id, secret: null });
    expect((await member.post(path, { name: 'other' }, idempotency('an-api-key'))).status).toBe(422);
  });

  it('is revoked once, and stays in the list, for its owner and the tenant’s admins (TW-094, TW-017)', async () => {
    const { body } = await done(create());
    expect((await withKey(body.secret)).status).toBe(200);
    expect((await member.delete(`${path}/${body.id}`, ifMatch(7))).status).toBe(412);
    const answer = await member.delete(`${path}/${body.id}`);
    expect(answer.status).toBe(204);
    expect(await withKey(body.secret, '/v1/me', consistency(answer))).toMatchObject({
      ...{ status: 401, body: { detail: 'the token was revoked' } },
    });
    const revoked = { id: body.id, revokedAt: expect.any(String) as string };
    expect((await member.get(path)).body.items).toEqual([expect.objectContaining(revoked)]);
    for (const by of [member, tenant.owner]) {
      expect((await by.get(`${path}/${body.id}`)).body).toMatchObject(revoked);
    }
    expect(await member.delete(`${path}/${body.id}`)).toMatchObject({
      ...{ status: 409, body: { code: 'api-key-already-revoked' } },
    });
    expect((await member.delete(`${path}/${UNKNOWN}`)).status).toBe(404);
    expect((await member.delete(`${path}/nonsense`)).status).toBe(400);
    expect(await relationshipsNaming(app, body.id)).toHaveLength(2);
  });

  it('is seen and revoked by its owner and by tenant admins alone', async () => {
    const { body } = await done(create());
    const [other, foreign] = [await aMember(app, tenant), await aTenant(app)];
    for (const stranger of [other, foreign.owner]) {
      expect((await stranger.get(`${path}/${body.id}`)).status).toBe(404);
      expect((await stranger.delete(`${path}/${body.id}`)).status).toBe(404);
    }
    expect((await member.get(`${foreign.path}/api-keys/${body.id}`)).status).toBe(404);
    expect((await other.get(path)).body.items).toEqual([]);
    expect((await other.get(`${path}?userId=${member.id}`)).body.items).toEqual([]);
    expect((await tenant.owner.get(`${path}?userId=${member.id}`)).body.items).toMatchObject([{ id: body.id }]);
    expect((await tenant.owner.delete(`${path}/${body.id}`)).status).toBe(204);
    const { body: trail } = await tenant.owner.get(`${tenant.path}/audit-log?resourceId=${body.id}`);
    expect(trail.items[0]).toMatchObject({ action: 'api-key.revoked', newValues: { reason: 'revoked-by-admin' } });
  });
});

describe('a call with X-API-Key', () => {
  it('is its owner’s, and tells when the key was last used (TW-095)', async () => {
    const { body } = await done(create());
    expect(await withKey(body.secret)).toMatchObject({
      ...{ status: 200, body: { id: member.id, type: 'user', authentication: 'api-key' } },
    });
    expect((await withKey(body.secret, tenant.path)).status).toBe(200);
    const lastUsed = async () => ((await member.get(path)).body.items[0].lastUsedAt ?? undefined) as string | undefined;
    const first = await until(lastUsed);
    await done(withKey(body.secret));
    await until(async () => (await lastUsed())! > first);
  });

  it.each(['', 'nonsense', 'csn_key_x', 'x'.repeat(5_000), 'Bearer x'])('is refused with 401: "%s"', async (secret) => {
    expect(await withKey(secret)).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
  });

  it('without any of the two is answered 401 with both ways named (TW-095)', async () => {
    const { status, body } = await app.as().get('/v1/me');
    expect([status, body.next]).toEqual([401, expect.stringMatching(/Authorization: Bearer.*X-API-Key/)]);
  });

  it('takes the identity of a valid JWT, and the key where the JWT is bad (TW-095)', async () => {
    const { body } = await done(create());
    const jwt = await provider.token('somebody');
    const both = { authorization: `Bearer ${jwt}` };
    expect((await withKey(body.secret, '/v1/me', both)).body).toMatchObject({ authentication: 'oidc' });
    const bad = { authorization: `Bearer ${await provider.token('somebody', { audience: 'https://other.example' })}` };
    expect((await withKey(body.secret, '/v1/me', bad)).body).toMatchObject({
      id: member.id,
      authentication: 'api-key',
    });
    expect((await withKey('nonsense', '/v1/me', both)).status).toBe(200);
    expect((await withKey('nonsense', '/v1/me', bad)).status).toBe(401);
  });

  it('takes a key there alone, and nothing else for a key', async () => {
    const { body } = await done(create());
    expect((await app.as(body.secret).get('/v1/me')).status).toBe(401);
    expect((await withKey(member.token)).status).toBe(401);
  });

  it('does in its tenant what its owner may, and nothing elsewhere', async () => {
    const { owner } = tenant;
    const other = await aTenant(app, { owner });
    const { body } = await done(create('admin', owner));
    const headers = { 'x-api-key': body.secret as string };
    expect((await app.as().get(`${tenant.path}/members`, headers)).status).toBe(200);
    expect((await app.as().patch(tenant.path, { name: tenant.name }, headers)).status).toBe(200);
    const missing = await app.as().get(`/v1/tenants/${UNKNOWN}`, headers);
    const foreign = await app.as().get(other.path, headers);
    expect([foreign.status, foreign.body]).toEqual([404, missing.body]);
    expect((await app.as().get(`${other.path}/workspaces/${other.rootId}`, headers)).status).toBe(404);
    expect((await app.as().get(`${tenant.path}/workspaces/${other.rootId}`, headers)).status).toBe(404);
    expect((await app.as().get('/v1/tenants/nonsense', headers)).status).toBe(400);
    for (const outside of ['/v1/tenants', '/v1/users', '/v1/me/tokens', `/v1/users/${owner.id}`, '/v1/audit-log']) {
      expect(await app.as().get(outside, headers)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    }
    const check = { resource: { type: 'tenant', id: other.id }, permission: 'view' };
    expect((await app.as().post('/v1/permissions/check', check, headers)).status).toBe(403);
    expect((await app.as().post('/v1/tenants', { name: 'x' }, headers)).status).toBe(403);
    expect((await app.as().post(path, { name: 'more' }, headers)).status).toBe(403);
  });
});

describe('a key ends', () => {
  it('by itself at its time (MG-004)', async () => {
    const { body } = await done(create('short', member, { expiresInDays: 1 }));
    expect((await withKey(body.secret)).status).toBe(200);
    ahead += 86_400_000;
    expect(await withKey(body.secret)).toMatchObject({ status: 401, body: { detail: 'the token has expired' } });
  });

  it('with the membership of its owner, and does not come back with them (X-006, MG-004)', async () => {
    const { body } = await done(create());
    await done(tenant.owner.delete(`${tenant.path}/members/${member.id}`));
    expect((await withKey(body.secret)).status).toBe(401);
    await done(tenant.owner.post(`${tenant.path}/members`, { userId: member.id, role: 'member' }));
    await app.settled();
    expect(await withKey(body.secret)).toMatchObject({ status: 401, body: { detail: 'the token was revoked' } });
    expect((await create()).status).toBe(201);
  });

  it('with the last role of its owner on the tenant, and not with a promotion', async () => {
    const { body } = await done(create());
    await done(tenant.owner.patch(`${tenant.path}/members/${member.id}`, { role: 'admin' }));
    await app.settled();
    expect((await withKey(body.secret)).status).toBe(200);
    await done(tenant.owner.patch(`${tenant.path}/members/${member.id}`, { role: 'member' }));
    await app.settled();
    expect((await withKey(body.secret)).status).toBe(200);
    const { body: held } = await tenant.owner.get(`${tenant.path}/assignments?subjectId=${member.id}`);
    await done(tenant.owner.delete(`${tenant.path}/assignments/${held.items[0].id}`));
    expect((await withKey(body.secret)).status).toBe(401);
  });

  it('with the end of a membership for a time, before the expiry is on record', async () => {
    const until = new Date(Date.now() + ahead + 3_600_000).toISOString();
    await done(tenant.owner.patch(`${tenant.path}/members/${member.id}`, { role: 'member', until }));
    const { body } = await done(create());
    expect((await withKey(body.secret)).status).toBe(200);
    ahead += 3_600_000;
    expect((await withKey(body.secret)).status).toBe(401);
  });

  it('with its deactivated owner, and rests while they are suspended', async () => {
    const { body } = await done(create());
    await done(app.admin.post(`/v1/users/${member.id}/suspension`));
    expect((await withKey(body.secret)).status).toBe(401);
    await done(app.admin.post(`/v1/users/${member.id}/reinstatement`));
    expect((await withKey(body.secret)).status).toBe(200);
    await done(app.admin.delete(`/v1/users/${member.id}`));
    expect((await withKey(body.secret)).status).toBe(401);
  });

  it('with its tenant, before the tenant is gone (TW-050, X-005)', async () => {
    const gone = await aTenant(app);
    const other = await aMember(app, gone);
    const secrets = [];
    for (const person of [gone.owner, other]) {
      const { body } = await done(person.post(`${gone.path}/api-keys`, { name: 'x' }));
      secrets.push(body.secret as string);
    }
    await done(gone.owner.delete(gone.path));
    for (const secret of secrets) expect((await withKey(secret)).status).toBe(401);
    await app.settled();
    const types = (await tenantEvents(app, gone.id)).map(({ type }) => type);
    expect(types.filter((type) => type === 'api-key-deleted.v1')).toHaveLength(2);
    expect(types.lastIndexOf('api-key-deleted.v1')).toBeLessThan(types.indexOf('tenant-deleted.v1'));
    expect((await relationshipsNaming(app, gone.id)).filter((tuple) => tuple.startsWith('api_key'))).toEqual([]);
  });
});
