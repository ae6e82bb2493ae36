import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';
import { allPages, aUserWithToken, checkedApp, consistency, done, ifMatch, type Person, UNKNOWN } from './world.js';

let app: TestApp;
let user: Person;

checkedApp(async () => (app = await startTestApp()));

beforeEach(async () => {
  user = await aUserWithToken(app);
});

const issue = (name: string, by: Person = user) => by.post('/v1/me/tokens', { name });

describe('issuing a token', () => {
  it('answers 201 with the secret, which works and is in no list', async () => {
    const answer = await issue('laptop');
    expect(answer).toMatchObject({
      status: 201,
      body: { name: 'laptop', userId: user.id, createdBy: user.id, revokedAt: null },
    });
    const { secret } = answer.body as unknown as { secret: string };
    expect((await app.as(secret).get('/v1/me', consistency(answer))).body).toMatchObject({ id: user.id });
    const listed = await user.get('/v1/me/tokens');
    expect(listed.body.items).toHaveLength(2);
    expect(JSON.stringify(listed.body)).not.toContain(secret.split('_')[3]);
    expect(JSON.stringify(listed.body)).not.toMatch(/hmac|secret/i);
  });

  it('has an end after 30 days unless told; none where it is asked', async () => {
    const days = ({ createdAt, expiresAt }: { createdAt?: string; expiresAt?: string }): number =>
      (Date.parse(expiresAt!) - Date.parse(createdAt!)) / 86_400_000;
    expect(days((await issue('a')).body)).toBe(30);
    expect(days((await user.post('/v1/me/tokens', { name: 'b', expiresInDays: 3650 })).body)).toBe(3650);
    expect((await user.post('/v1/me/tokens', { name: 'c', expiresInDays: null })).body.expiresAt).toBeNull();
  });

  it.each([
    ['no name', { name: undefined }, 'name'],
    ['an empty name', { name: '' }, 'name'],
    ['a name that is too long', { name: 'x'.repeat(256) }, 'name'],
    ['0 days', { expiresInDays: 0 }, 'expiresInDays'],
    ['3651 days', { expiresInDays: 3651 }, 'expiresInDays'],
    ['half a day', { expiresInDays: 0.5 }, 'expiresInDays'],
    ['days that are text', { expiresInDays: '30' }, 'expiresInDays'],
  ])('is refused with 422: %s', async (_fault, change, field) => {
    expect(await user.post('/v1/me/tokens', { name: 'x', ...change })).toMatchObject({ status: 422, body: { field } });
  });

  it('is refused with 409 for a name that a working token of the user has; not for another user', async () => {
    await done(issue('taken'));
    expect(await issue(' TAKEN ')).toMatchObject({ status: 409, body: { code: 'token-name-taken', field: 'name' } });
    expect((await issue('taken', await aUserWithToken(app))).status).toBe(201);
  });

  it('for others is for system admins; others are as if they were not there', async () => {
    const other = await aUserWithToken(app);
    const missing = await user.post(`/v1/users/${UNKNOWN}/tokens`, { name: 'x' });
    expect(missing.status).toBe(404);
    expect((await user.post(`/v1/users/${other.id}/tokens`, { name: 'x' })).body).toEqual(missing.body);
    expect((await user.get(`/v1/users/${other.id}/tokens`)).body).toEqual(missing.body);
    expect((await app.admin.post(`/v1/users/${UNKNOWN}/tokens`, { name: 'x' })).body).toEqual(missing.body);
    expect((await app.admin.post(`/v1/users/${other.id}/tokens`, { name: 'given' })).body).toMatchObject({
      createdBy: app.installation.adminUserId,
    });
  });
});

describe('revoking a token', () => {
  it('answers 204; it works no more at once, and stays in the list', async () => {
    const { body } = await done(issue('lost'));
    const lost = app.as(body.secret as string);
    const check = () =>
      lost.post('/v1/permissions/check', { resource: { type: 'tenant', id: UNKNOWN }, permission: 'view' });
    expect((await lost.get('/v1/me')).status).toBe(200);
    expect((await check()).status).toBe(200);
    const revoked = await user.delete(`/v1/me/tokens/${body.id as string}`, ifMatch(1));
    expect(revoked).toMatchObject({ status: 204, body: undefined });
    expect((await check()).status).toBe(401);
    expect((await lost.get('/v1/me')).status).toBe(401);
    const listed = (await allPages(user, '/v1/me/tokens', 1)).find(({ id }) => id === body.id);
    expect(listed?.revokedAt).toMatch(/Z$/);
    expect((await issue('lost')).status).toBe(201);
  });

  it('a second time is refused with 409, one that is not there or another’s with 404, a malformed id with 400', async () => {
    const { body } = await done(issue('once'));
    const path = `/v1/me/tokens/${body.id as string}`;
    expect((await user.delete(path, ifMatch(9))).status).toBe(412);
    expect((await (await aUserWithToken(app)).delete(path)).status).toBe(404);
    expect((await user.delete(path)).status).toBe(204);
    expect(await user.delete(path)).toMatchObject({ status: 409, body: { code: 'token-already-revoked' } });
    expect((await user.delete(`/v1/me/tokens/${UNKNOWN}`)).status).toBe(404);
    expect((await user.delete('/v1/me/tokens/nonsense')).status).toBe(400);
  });

  it('of somebody else is for system admins', async () => {
    const { body } = await done(issue('theirs'));
    const path = `/v1/users/${user.id}/tokens/${body.id as string}`;
    expect((await (await aUserWithToken(app)).delete(path)).status).toBe(404);
    expect((await app.admin.delete(path)).status).toBe(204);
    expect((await app.as(body.secret as string).get('/v1/me')).status).toBe(401);
  });
});

describe('without a token that works', () => {
  it.each(['', 'nonsense', 'Basic eDp5', 'Bearer', 'Bearer csn_pat_x_y_z'])(
    'every call is answered 401: "%s"',
    async (authorization) => {
      for (const path of ['/v1/me', '/v1/tenants', `/v1/tenants/${UNKNOWN}`, '/v1/users', '/v1/me/tokens']) {
        const answer = await app.as().get(path, authorization ? { authorization } : {});
        expect(answer).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
        expect(answer.headers.get('www-authenticate')).toMatch(
          /^Bearer( error="invalid_token", error_description="[^"]+")?$/,
        );
      }
    },
  );

  it('the words User and ServiceAccount before a token are understood', async () => {
    expect((await app.as().get('/v1/me', { authorization: `Bearer User ${user.token}` })).status).toBe(200);
    expect((await app.as().get('/v1/me', { authorization: `Bearer ServiceAccount ${user.token}` })).status).toBe(401);
  });
});
