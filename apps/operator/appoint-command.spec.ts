import { createLogger } from '../../libs/platform/index.js';
import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';
import type { Report } from '../../libs/verification/index.js';
import {
  aMember,
  aTenant,
  aUserWithToken,
  checkedApp,
  done,
  everything,
  type Person,
  type TestTenant,
  UNKNOWN,
} from '../../test/e2e/world.js';
import { createRelay } from '../relay/start-relay.js';
import { OperatorHost, type Ran } from './operator.fixture.js';

let app: TestApp;
const host = new OperatorHost();

checkedApp(async () => (app = await startTestApp()));
afterAll(() => host.stop());

function operator(...args: string[]): Promise<Ran> {
  const { databaseUrl, spicedbEndpoint, spicedbPresharedKey } = app.runtime.config;
  const servers = { DATABASE_URL: databaseUrl, SPICEDB_ENDPOINT: spicedbEndpoint };
  return host.run(args, { ...servers, SPICEDB_PRESHARED_KEY: spicedbPresharedKey });
}

const appoint = ({ id }: { id: string }, user: { id: string }): Promise<Ran> =>
  operator('appoint-admin', id, user.id, '--operator', 'olga');
const deleteUser = ({ id }: Person) => done(app.admin.delete(`/v1/users/${id}`));
const adding = async (by: Pick<Person, 'post'>, tenant: TestTenant) =>
  (await by.post(`${tenant.path}/members`, { userId: (await aUserWithToken(app)).id, role: 'member' })).status;

/** What a refusal tells, once it has left everything as it was. */
async function refusalOf(tenant: TestTenant, user: { id: string }): Promise<string> {
  const before = await everything(app, tenant);
  const { code, out, errors } = await appoint(tenant, user);
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(await everything(app, tenant)).toEqual(before);
  return errors;
}

describe('appoint-admin', () => {
  it('gives a tenant an admin whose only one was deleted, on the record of the tenant; once', async () => {
    const tenant = await aTenant(app);
    const member = await aMember(app, tenant);
    await deleteUser(tenant.owner);
    expect(await adding(tenant.owner, tenant)).toBe(401);
    expect(await adding(member, tenant)).toBe(403);
    expect(await adding(app.admin, tenant)).toBe(404);

    const appointed = await appoint(tenant, member);
    expect(appointed).toMatchObject({ code: 0, out: `User ${member.id} is an admin of tenant ${tenant.id}.\n` });
    expect(await adding(member, tenant)).toBe(201);
    const { body: held } = await done(member.get(`${tenant.path}/members/${member.id}`));
    expect(held.roles).toEqual([{ role: 'admin', until: null, sources: ['operator'] }]);

    const { body: log } = await done(member.get(`${tenant.path}/audit-log?action=tenant.admin-granted`));
    expect(log.items).toContainEqual(
      expect.objectContaining({
        actor: { type: 'system', id: 'operator', displayName: 'olga' },
        newValues: { userId: member.id, role: 'admin', source: 'operator', until: null },
      }),
    );

    const before = await everything(app, tenant);
    const again = await appoint({ id: tenant.id.toLowerCase() }, member);
    expect(again).toMatchObject({ code: 0, out: expect.stringContaining(`${tenant.id} already.`) });
    expect(await everything(app, tenant)).toEqual(before);

    // Who is deleted can go now.
    expect((await member.delete(`${tenant.path}/members/${tenant.owner.id}`)).status).toBe(204);
    await app.settled();
    const verified = await operator('verify', '--json');
    expect({ code: verified.code, ok: (JSON.parse(verified.out) as Report).ok }).toEqual({ code: 0, ok: true });
  });

  it('appoints who is no member, and where the others are admins with an end', async () => {
    const tenant = await aTenant(app);
    const bounded = await aUserWithToken(app);
    const until = '2099-01-01T00:00:00.000Z';
    await done(tenant.owner.post(`${tenant.path}/members`, { userId: bounded.id, role: 'admin', until }));
    await deleteUser(tenant.owner);
    const outsider = await aUserWithToken(app);
    expect(await appoint(tenant, outsider)).toMatchObject({ code: 0 });
    expect(await adding(outsider, tenant)).toBe(201);
  });

  it('is refused while the tenant has an admin who may act, or who comes back by being reinstated', async () => {
    const tenant = await aTenant(app);
    const member = await aMember(app, tenant);
    expect(await refusalOf(tenant, member)).toBe(
      `The tenant has an admin: user ${tenant.owner.id}. Ask them: who administrates a tenant makes others its admins.\n`,
    );
    expect(await appoint(tenant, tenant.owner)).toMatchObject({ code: 0, out: expect.stringContaining('already') });
    await done(app.admin.post(`/v1/users/${tenant.owner.id}/suspension`));
    expect(await refusalOf(tenant, member)).toMatch(
      new RegExp(`who is suspended: user ${tenant.owner.id}. Reinstate them: POST /v1/users/{userId}/reinstatement`),
    );
  });

  it('is refused for a tenant that is unknown, deleted or being deleted', async () => {
    const tenant = await aTenant(app);
    const user = await aUserWithToken(app);
    await done(tenant.owner.delete(tenant.path));
    expect(await refusalOf(tenant, user)).toContain('There is no such tenant. Name one that is there');
    const unknown = await appoint({ id: UNKNOWN }, user);
    expect(unknown).toMatchObject({ code: 1, errors: expect.stringContaining('There is no such tenant') });
  });

  it('is refused for a user who is unknown, suspended, deleted or erased, and says whom to name', async () => {
    const tenant = await aTenant(app);
    await deleteUser(tenant.owner);
    expect(await refusalOf(tenant, { id: UNKNOWN })).toMatch(`there is no user ${UNKNOWN}. Name an active user`);
    expect(await refusalOf(tenant, tenant.owner)).toMatch(`user ${tenant.owner.id} is deleted. Name an active user`);
    const user = await aUserWithToken(app);
    await done(app.admin.post(`/v1/users/${user.id}/suspension`));
    expect(await refusalOf(tenant, user)).toContain('Reinstate them first');
    expect(await operator('erase', user.id, '--yes')).toMatchObject({ code: 0 });
    expect(await refusalOf(tenant, user)).toContain(`user ${user.id} is deleted`);
  });

  it('is on the record where no relay runs, and takes effect with the next one', async () => {
    const tenant = await aTenant(app);
    await deleteUser(tenant.owner);
    const user = await aUserWithToken(app);
    await app.relay.stop();
    const appointed = await appoint(tenant, user);
    expect(appointed).toMatchObject({ code: 0, out: expect.stringContaining('as soon as a relay runs') });
    const next = createRelay(app.runtime, app.app, { logger: createLogger({ level: 'silent', name: 'spec' }) });
    next.start();
    await app.settled();
    expect(await adding(user, tenant)).toBe(201);
    await app.settled();
    await next.stop();
  });

  it.each([
    ['tenant', ['ACME', UNKNOWN]],
    ['user', [UNKNOWN, 'somebody']],
  ])('calls a %s’s malformed id a wrong call', async (what, ids) => {
    const { code, out, errors } = await operator('appoint-admin', ...ids);
    expect({ code, out, errors }).toEqual({
      code: 2,
      out: '',
      errors: expect.stringContaining(`is no id of a ${what}`),
    });
  });
});
