import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';
import { until } from '../../libs/testing/until.js';
import {
  allPages,
  aMember,
  aTenant,
  aUserWithToken,
  aWorkspace,
  checkedApp,
  done,
  ifMatch,
  relationshipsNaming,
  tenantEvents,
  uniqueName,
  UNKNOWN,
} from './world.js';

let app: TestApp;

checkedApp(async () => (app = await startTestApp()));

describe('registering a user', () => {
  it('MG-020 answers 201 with the user', async () => {
    const identity = { issuer: 'https://idp.example', subject: uniqueName('s') };
    const answer = await app.admin.post('/v1/users', {
      ...{ displayName: ' Ada ', email: 'Ada@Example.org', externalIdentity: identity },
    });
    expect(answer).toMatchObject({
      status: 201,
      body: { displayName: 'Ada', email: 'ada@example.org', externalIdentity: identity, active: true, revision: 1 },
    });
    expect((await app.admin.get(`/v1/users/${answer.body.id as string}`)).body).toMatchObject({ displayName: 'Ada' });
    expect(await app.admin.post('/v1/users', { externalIdentity: identity })).toMatchObject({
      status: 409,
      body: { code: 'identity-taken', field: 'externalIdentity' },
    });
  });

  it.each([
    ['a name of 256 characters', { displayName: 'x'.repeat(256) }, 'displayName'],
    ['a blank name', { displayName: ' ' }, 'displayName'],
    ['a name that is a number', { displayName: 7 }, 'displayName'],
    ['an e-mail address that is none', { email: 'nobody' }, 'email'],
    ['an identity without an issuer', { externalIdentity: { subject: 's' } }, 'externalIdentity.issuer'],
    ['an identity that is text', { externalIdentity: 's' }, 'externalIdentity'],
    ['a field that it does not know', { admin: true }, 'admin'],
  ])('MG-016 MG-020 is refused with 422: %s', async (_fault, body, field) => {
    expect(await app.admin.post('/v1/users', body)).toMatchObject({ status: 422, body: { field } });
    if (!field.startsWith('externalIdentity'))
      expect(await app.admin.patch('/v1/me', body)).toMatchObject({ status: 422, body: { field } });
  });

  it('is for system admins, as is the list', async () => {
    const user = await aUserWithToken(app);
    expect(await user.post('/v1/users', {})).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect((await user.get('/v1/users')).status).toBe(403);
    expect((await user.delete(`/v1/users/${user.id}`)).status).toBe(403);
    expect((await app.as().post('/v1/users', {})).status).toBe(401);
  });
});

describe('a user', () => {
  it('MG-020 sees and changes themselves; others are as if they were not there', async () => {
    const [user, other] = [await aUserWithToken(app), await aUserWithToken(app)];
    expect((await user.get('/v1/me')).body).toMatchObject({ id: user.id, systemAdmin: false, authentication: 'token' });
    expect((await user.patch('/v1/me', { displayName: 'Me' }, ifMatch(1))).body).toMatchObject({
      displayName: 'Me',
      revision: 2,
    });
    const addressed = await user.patch('/v1/me', { email: 'A@B.Example' });
    expect(addressed.body).toMatchObject({ email: 'a@b.example', revision: 3 });
    expect((await user.get(`/v1/users/${user.id}`)).body).toMatchObject({ displayName: 'Me', email: 'a@b.example' });
    const missing = await user.get(`/v1/users/${UNKNOWN}`);
    expect(missing.status).toBe(404);
    expect((await user.get(`/v1/users/${other.id}`)).body).toEqual(missing.body);
    expect((await user.patch(`/v1/users/${other.id}`, { displayName: 'x' })).body).toEqual(missing.body);
    expect((await app.admin.get(`/v1/users/${UNKNOWN}`)).body).toEqual(missing.body);
    expect((await user.get('/v1/users/nonsense')).status).toBe(400);
  });

  it('is refused with 412 what an earlier state was seen of, with 422 what is wrong or nothing', async () => {
    const user = await aUserWithToken(app);
    expect((await user.patch('/v1/me', { displayName: 'x' }, ifMatch(4))).status).toBe(412);
    expect((await user.patch('/v1/me', {})).status).toBe(422);
    expect(await user.patch('/v1/me', { email: 'x' })).toMatchObject({ status: 422, body: { field: 'email' } });
  });

  it('RR-031 gives themselves no role by changing their profile', async () => {
    const user = await aUserWithToken(app);
    for (const field of ['roles', 'role', 'systemAdmin', 'active']) {
      const answer = await user.patch('/v1/me', { displayName: 'Other', [field]: ['admin'] });
      expect(answer).toMatchObject({ status: 422, body: { field } });
    }
    expect((await user.get('/v1/me')).body).toMatchObject({ displayName: user.name, systemAdmin: false });
    expect(await relationshipsNaming(app, user.id)).toEqual([]);
  });

  it('is listed in pages, with filters; 400 for those that there are not', async () => {
    const email = `${uniqueName('mail').replace(' ', '')}@example.org`;
    const { body } = await done(app.admin.post('/v1/users', { email }));
    const all = await allPages(app.admin, '/v1/users', 3);
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    expect((await app.admin.get(`/v1/users?email=${email.toUpperCase()}`)).body.items).toEqual([
      expect.objectContaining({ id: body.id }),
    ]);
    for (const query of ['active=maybe', 'email=x', 'limit=0', 'limit=201', 'name=x']) {
      expect((await app.admin.get(`/v1/users?${query}`)).status).toBe(400);
    }
  });
});

describe('deactivating a user', () => {
  it('X-006 ends what they hold in every tenant, and their tokens; they stay readable', async () => {
    const [a, b] = [await aTenant(app), await aTenant(app)];
    const user = await aMember(app, a, 'admin');
    await done(b.owner.post(`${b.path}/members`, { userId: user.id, role: 'member' }));
    const workspace = `${b.path}/workspaces/${await aWorkspace(b)}`;
    await done(b.owner.post(`${workspace}/members`, { userId: user.id, role: 'editor' }));
    expect((await app.admin.delete(`/v1/users/${user.id}`)).status).toBe(204);
    expect(await relationshipsNaming(app, user.id)).toEqual([]);
    expect((await user.get('/v1/me')).status).toBe(401);
    expect((await app.admin.get(`/v1/users/${user.id}`)).body).toMatchObject({ displayName: user.name, active: false });
    await until(async () => (await a.owner.get(`${a.path}/members`)).body.items?.length === 1);
    await until(async () => (await b.owner.get(`${b.path}/assignments?subjectId=${user.id}`)).body.items?.length === 0);
    expect((await app.admin.delete(`/v1/users/${user.id}`)).status).toBe(204);
  });

  it('P5 leaves them no relationship, also where a role is given at the same time', async () => {
    const tenant = await aTenant(app);
    const workspace = `${tenant.path}/workspaces/${await aWorkspace(tenant)}`;
    for (let round = 0; round < 5; round++) {
      const user = await aUserWithToken(app);
      const body = { userId: user.id, role: 'member' };
      const [deactivated] = await Promise.all([
        app.admin.delete(`/v1/users/${user.id}`),
        tenant.owner.post(`${workspace}/members`, body),
        tenant.owner.post(`${tenant.path}/members`, body),
      ]);
      expect(deactivated.status).toBe(204);
      await until(async () => (await relationshipsNaming(app, user.id)).length === 0);
    }
  });

  it('keeps the last admin of a tenant on record, who may do nothing any more', async () => {
    const tenant = await aTenant(app);
    expect((await app.admin.delete(`/v1/users/${tenant.owner.id}`)).status).toBe(204);
    expect(await relationshipsNaming(app, tenant.owner.id)).toEqual([]);
    expect((await tenant.owner.get(tenant.path)).status).toBe(401);
    expect((await tenantEvents(app, tenant.id)).map(({ type }) => type)).not.toContain('tenant-admin-ended.v1');
  });

  it('TW-063 leaves nobody who counts as an admin that remains', async () => {
    const tenant = await aTenant(app);
    const members = `${tenant.path}/members`;
    const [forAWhile, living] = [await aUserWithToken(app), await aMember(app, tenant)];
    const end = '2090-01-01T00:00:00Z';
    await done(tenant.owner.post(members, { userId: forAWhile.id, role: 'admin', until: end }));
    await done(app.admin.delete(`/v1/users/${tenant.owner.id}`));
    await done(forAWhile.patch(`${members}/${living.id}`, { role: 'admin' }));
    const { items } = (
      await done(forAWhile.get(`${tenant.path}/assignments?subjectId=${living.id}&targetType=tenant&role=admin`))
    ).body;
    for (const answer of [
      await forAWhile.delete(`${members}/${living.id}`),
      await forAWhile.patch(`${members}/${living.id}`, { role: 'member' }),
      await forAWhile.patch(`${members}/${living.id}`, { role: 'admin', until: end }),
      await forAWhile.delete(`${tenant.path}/assignments/${items![0]!.id}`),
    ]) {
      expect(answer).toMatchObject({ status: 409, body: { code: 'last-admin' } });
    }
    expect((await living.delete(`${members}/${tenant.owner.id}`)).status).toBe(204);
  });

  it('is refused for the built-in administrator with 409, for one who is not there with 404', async () => {
    expect((await app.admin.delete(`/v1/users/${app.installation.adminUserId}`)).body.code).toBe('built-in-user');
    expect((await app.admin.delete(`/v1/users/${UNKNOWN}`)).status).toBe(404);
    expect((await app.admin.delete('/v1/users/nonsense')).status).toBe(400);
  });
});
