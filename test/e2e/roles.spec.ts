import { PERMISSIONS } from '../../libs/roles/index.js';
import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';
import {
  allPages,
  aMember,
  aTenant,
  aUserWithToken,
  checkedApp,
  done,
  everything,
  ifMatch,
  key,
  relationships,
  tenantEvents,
  type TestTenant,
  UNKNOWN,
} from './world.js';

let app: TestApp;
let tenant: TestTenant;
let roles: string;

checkedApp(async () => (app = await startTestApp()));

async function freshTenant(): Promise<void> {
  tenant = await aTenant(app);
  roles = `${tenant.path}/roles`;
}

interface Audited {
  action: string;
  oldValues: object;
  newValues: object;
}

const ops = { name: 'Ops', permissions: ['apps:read', 'environments:read'] };
const create = async (body: object = {}): Promise<string> =>
  (await done(tenant.owner.post(roles, { ...ops, ...body }))).body.id;
const allowed = (id: string) => relationships(app, 'role', `role:${id}#`);
const audited = async (id: string) => {
  await app.settled();
  const { body } = await done(
    tenant.owner.get(`${tenant.path}/audit-log?resourceType=role&resourceId=${id}&limit=100`),
  );
  return (body.items as Audited[]).filter(({ action }) => action.startsWith('role.')).reverse();
};

describe('creating a role', () => {
  beforeEach(freshTenant);

  it('MG-047 stores what it allows, in SpiceDB for whoever it will be given to, and in the audit log', async () => {
    const answer = await tenant.owner.post(roles, { ...ops, description: 'on call', requestable: true });
    expect(answer).toMatchObject({
      status: 201,
      body: { ...ops, description: 'on call', requestable: true, builtIn: false, revision: 1, effective: true },
    });
    const { id } = answer.body;
    expect((await tenant.owner.get(`${roles}/${id}`)).body).toMatchObject({ id, ...ops, requestable: true });
    expect(await allowed(id)).toEqual(
      ['apps_read', 'environments_read'].flatMap((name) =>
        ['service_account', 'user'].map((type) => `role:${id}#${name}@${type}:*`),
      ),
    );
    expect(await audited(id)).toMatchObject([
      { action: 'role.created', newValues: { name: 'Ops', permissions: ops.permissions, requestable: true } },
    ]);
  });

  it('answers its permissions in the spelling that they came in', async () => {
    const permissions = ['service_account_tokens:create', 'serviceAccounts:create', 'apps:read'];
    const id = await create({ permissions: [...permissions, 'service_accounts:create', 'apps:read'] });
    expect((await tenant.owner.get(`${roles}/${id}`)).body.permissions).toEqual(permissions);
    const respelt = ['apps:read', 'serviceAccountTokens:create', 'serviceAccounts:create'];
    const again = await done(tenant.owner.patch(`${roles}/${id}`, { permissions: respelt }));
    expect(again.body.revision).toBe(2);
    expect([...(again.body.permissions as string[])].sort()).toEqual(respelt);
    const reordered = await done(tenant.owner.patch(`${roles}/${id}`, { permissions: [...respelt].reverse() }));
    expect(reordered.body.revision).toBe(2);
    expect((await audited(id)).at(-1)).toMatchObject({
      oldValues: { permissions: ['service_account_tokens:create'] },
      newValues: { permissions: ['serviceAccountTokens:create'] },
    });
    expect(await allowed(id)).toContain(`role:${id}#service_account_tokens_create@user:*`);
  });

  it.each(['appPermissions', 'app_permissions'])('MG-047 takes them grouped, and answers them so: %s', async (apps) => {
    const permissions = {
      permissions: { apps: ['update', 'read'], service_accounts: ['read'], serviceAccountTokens: ['read'] },
      [apps]: { environments: ['read'] },
    };
    const id = await create({ permissions });
    const ofRole = `${roles}/${id}`;
    expect((await tenant.owner.get(ofRole)).body.permissions).toEqual(permissions);
    expect(await allowed(id)).toHaveLength(2 * 5);
    expect(await audited(id)).toMatchObject([
      { newValues: { permissions: expect.arrayContaining(['serviceAccounts:read', 'environments:read']) } },
    ]);
    expect((await done(tenant.owner.patch(ofRole, { permissions }))).body).toMatchObject({ revision: 1 });
    const list = ['apps:update', 'apps:read', 'serviceAccounts:read', 'serviceAccountTokens:read', 'environments:read'];
    const listed = await done(tenant.owner.patch(ofRole, { permissions: list }));
    expect(listed.body).toMatchObject({ permissions: list, revision: 2 });
    const fewer = { permissions: { tags: ['read'] }, [apps]: {} };
    expect((await done(tenant.owner.patch(ofRole, { permissions: fewer }))).body).toMatchObject({ revision: 3 });
    expect((await tenant.owner.get(ofRole)).body.permissions).toEqual(fewer);
    expect(await allowed(id)).toHaveLength(2);
  });

  it('MG-018 takes control characters out of the name', async () => {
    const id = await create({ name: ' O\u0000p\u200bs ' });
    expect((await tenant.owner.get(`${roles}/${id}`)).body.name).toBe('Ops');
  });

  it('MG-053 is refused for a name that a role of the tenant has, in whatever letters', async () => {
    await create();
    for (const name of ['Ops', 'ops', 'ＯＰＳ', 'Op\u200ds', 'Admin', 'Ad\u200cmin', 'MEMBER']) {
      expect(await tenant.owner.post(roles, { ...ops, name })).toMatchObject({
        status: 409,
        body: { code: 'role-name-taken', field: 'name' },
      });
    }
    const other = await aTenant(app, { owner: tenant.owner });
    expect((await tenant.owner.post(`${other.path}/roles`, ops)).status).toBe(201);
  });

  it('by many at once under one name makes one role', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => tenant.owner.post(roles, ops)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409, 409, 409]);
    expect((await allPages(tenant.owner, roles, 50)).filter(({ builtIn }) => !builtIn)).toHaveLength(1);
  });

  it('twice with one Idempotency-Key makes one role, answered alike', async () => {
    const first = await done(tenant.owner.post(roles, ops, key('k')));
    await done(tenant.owner.patch(`${roles}/${first.body.id}`, { name: 'Later' }));
    const again = await done(tenant.owner.post(roles, ops, key('k')));
    expect(again.body).toMatchObject({ id: first.body.id, name: 'Ops', revision: 1 });
    expect((await tenant.owner.post(roles, { ...ops, name: 'x' }, key('k'))).status).toBe(422);
  });

  it('MG-015 is for who may: 403 to members, 404 to others', async () => {
    const [member, stranger] = [await aMember(app, tenant), await aUserWithToken(app)];
    expect((await member.post(roles, ops)).status).toBe(403);
    expect((await member.get(roles)).status).toBe(403);
    const hidden = await stranger.post(roles, ops);
    expect(hidden.status).toBe(404);
    expect((await stranger.post(`/v1/tenants/${UNKNOWN}/roles`, ops)).body).toEqual(hidden.body);
    expect((await stranger.get(roles)).status).toBe(404);
    expect((await app.as().post(roles, ops)).status).toBe(401);
  });
});

describe('a role is refused with 422', () => {
  let id: string;

  beforeAll(async () => {
    await freshTenant();
    id = await create({ name: 'Other' });
  });

  it.each<[string, unknown]>([
    ['without a group', { permissions: { apps: ['read'] } }],
    ['without the first group', { appPermissions: { apps: ['read'] } }],
    ['empty', {}],
    ['with nothing in either group', { permissions: {}, appPermissions: {} }],
    ['with both spellings of a group', { permissions: { apps: ['read'] }, appPermissions: {}, app_permissions: {} }],
    ['with the second group twice', { appPermissions: { apps: ['read'] }, app_permissions: {} }],
    ['with an unknown group', { permissions: { apps: ['read'] }, appPermissions: {}, others: {} }],
    ['with global access', { permissions: { apps: ['read'] }, appPermissions: {}, global_access: true }],
    ['with an unknown resource', { permissions: { ships: ['read'] }, appPermissions: {} }],
    ['with a resource of every object', { permissions: { constructor: ['read'] }, appPermissions: {} }],
    ['with an unknown action', { permissions: { apps: ['read', 'fly'] }, appPermissions: {} }],
    ['with an action that is no text', { permissions: { apps: [7] }, appPermissions: {} }],
    ['with actions that are no list', { permissions: { apps: 'read' }, appPermissions: {} }],
    ['with no actions', { permissions: { apps: [] }, appPermissions: {} }],
    ['with too many actions', { permissions: { apps: Array(11).fill('read') }, appPermissions: {} }],
    ['with a group that is a list', { permissions: ['apps:read'], appPermissions: {} }],
    ['with a group that is null', { permissions: { apps: ['read'] }, appPermissions: null }],
  ])('MG-049 MG-050 MG-051 for grouped permissions %s', async (_fault, permissions) => {
    const field = expect.stringMatching(/^permissions/);
    const refused = { status: 422, body: { code: 'invalid', field } };
    expect(await tenant.owner.post(roles, { ...ops, permissions })).toMatchObject(refused);
    expect(await tenant.owner.patch(`${roles}/${id}`, { permissions })).toMatchObject(refused);
  });

  it.each<[string, object, string]>([
    ['no name', { name: undefined }, 'name'],
    ['a name that is a number', { name: 5 }, 'name'],
    ['a blank name', { name: ' \t ' }, 'name'],
    ['a name of 65 characters', { name: 'x'.repeat(65) }, 'name'],
    ['a name that is an id', { name: UNKNOWN.toLowerCase() }, 'name'],
    ['a colour', { colour: '#1234567' }, 'colour'],
    ['a description of 501 characters', { description: 'x'.repeat(501) }, 'description'],
    ['a description that is a list', { description: [] }, 'description'],
    ['requestable as text', { requestable: 'yes' }, 'requestable'],
    ['requestable as null', { requestable: null }, 'requestable'],
    ['no permissions', { permissions: undefined }, 'permissions'],
    ['permissions that are null', { permissions: null }, 'permissions'],
    ['an empty list of permissions', { permissions: [] }, 'permissions'],
    ['permissions that are text', { permissions: 'apps:read' }, 'permissions'],
    ['permissions that are an object', { permissions: { apps: ['read'] } }, 'permissions'],
    ['an unknown resource', { permissions: ['ships:read'] }, 'permissions'],
    ['an unknown action', { permissions: ['apps:read', 'apps:fly'] }, 'permissions'],
    ['a permission that is a number', { permissions: [7] }, 'permissions'],
    ['a permission of every object', { permissions: ['constructor'] }, 'permissions'],
    ['global access', { global_access: true }, 'global_access'],
    ['global access in camelCase', { globalAccess: true }, 'globalAccess'],
    ['an id', { id: UNKNOWN }, 'id'],
  ])('MG-016 MG-049 MG-050 MG-051 MG-052 for %s', async (_fault, fault, field) => {
    const before = await everything(app, tenant);
    const refused = { status: 422, body: { field } };
    expect(await tenant.owner.post(roles, { ...ops, ...fault })).toMatchObject(refused);
    // Left out of a change, a field stays as it is.
    if (Object.values(fault).some((value) => value !== undefined))
      expect(await tenant.owner.patch(`${roles}/${id}`, fault)).toMatchObject(refused);
    expect(await everything(app, tenant)).toEqual(before);
  });

  it('and told which permission is unknown, and where all of them are', async () => {
    const answer = await tenant.owner.post(roles, { ...ops, permissions: ['apps:read', 'apps:fly'] });
    expect(answer.body.detail).toBe(
      'permissions.1 is no resource:action of the catalogue, all of which the built-in role admin lists',
    );
  });

  it.each<[string, object]>([
    ['nothing', {}],
    ['a blank name', { name: ' ' }],
    ['a name that is null', { name: null }],
    ['no permissions at all', { permissions: [] }],
    ['permissions that are null', { permissions: null }],
    ['an unknown permission', { permissions: ['apps:fly'] }],
    ['global access', { global_access: true }],
    ['global access in camelCase', { globalAccess: true }],
  ])('MG-050 MG-055 when it is changed to %s', async (_fault, body) => {
    const before = await everything(app, tenant);
    expect((await tenant.owner.patch(`${roles}/${id}`, body)).status).toBe(422);
    expect(await everything(app, tenant)).toEqual(before);
  });
});

describe('the roles of a tenant', () => {
  beforeEach(freshTenant);

  it('MG-046 are listed in pages, the built-in ones first', async () => {
    const ids = [await create({ name: 'a' }), await create({ name: 'b' }), await create({ name: 'c' })];
    for (const limit of [1, 2, 4, 50]) {
      const listed = await allPages(tenant.owner, roles, limit);
      expect(listed.map(({ id }) => id)).toEqual(['admin', 'editor', 'member', ...ids]);
    }
    const [admin, editor] = (await done(tenant.owner.get(roles))).body.items!;
    expect(admin).toMatchObject({ name: 'admin', builtIn: true, permissions: [...PERMISSIONS] });
    expect(editor).toMatchObject({ targets: ['workspace'], requestable: true, createdAt: null, permissions: [] });
  });

  it('are found by id alone, in either case, and in their tenant', async () => {
    const id = await create();
    expect((await tenant.owner.get(`${roles}/${id.toLowerCase()}`)).body).toMatchObject({ id });
    expect((await tenant.owner.get(`${roles}/admin`)).body).toMatchObject({ id: 'admin', builtIn: true });
    const missing = await tenant.owner.get(`${roles}/${UNKNOWN}`);
    expect(missing.status).toBe(404);
    const other = await aTenant(app, { owner: tenant.owner });
    expect((await tenant.owner.get(`${other.path}/roles/${id}`)).body).toEqual(missing.body);
    for (const malformed of ['x', 'owner', 'Admin', `${id}0`]) {
      expect(await tenant.owner.get(`${roles}/${malformed}`)).toMatchObject({
        status: 400,
        body: { code: 'malformed-id', field: 'roleId' },
      });
    }
    expect((await tenant.owner.put(`${roles}/${id}`, {})).status).toBe(405);
  });
});

describe('changing a role', () => {
  beforeEach(freshTenant);

  it('MG-055 changes what is given, and audits only that', async () => {
    const id = await create();
    const renamed = await done(tenant.owner.patch(`${roles}/${id}`, { name: 'Ward', permissions: ops.permissions }));
    expect(renamed.body).toMatchObject({ name: 'Ward', permissions: ops.permissions, revision: 2 });
    await done(tenant.owner.patch(`${roles}/${id}`, { permissions: ['apps:read', 'tags:read'] }));
    await done(tenant.owner.patch(`${roles}/${id}`, { description: 'x', requestable: true }));
    expect((await done(tenant.owner.patch(`${roles}/${id}`, { description: 'x' }))).body.revision).toBe(4);
    const changes = (await audited(id)).filter(({ action }) => action === 'role.changed');
    expect(changes.map(({ oldValues, newValues }) => [oldValues, newValues])).toEqual([
      [{ name: 'Ops' }, { name: 'Ward' }],
      [{ permissions: ops.permissions }, { permissions: ['apps:read', 'tags:read'] }],
      [
        { description: null, requestable: false },
        { description: 'x', requestable: true },
      ],
    ]);
    expect(await allowed(id)).toEqual(
      ['apps_read', 'tags_read'].flatMap((name) => ['service_account', 'user'].map((t) => `role:${id}#${name}@${t}:*`)),
    );
  });

  it('MG-053 to a name that another has is refused; a name that was given up is free', async () => {
    const [id, other] = [await create(), await create({ name: 'Ward' })];
    expect(await tenant.owner.patch(`${roles}/${other}`, { name: 'OPS' })).toMatchObject({
      status: 409,
      body: { code: 'role-name-taken' },
    });
    expect((await tenant.owner.patch(`${roles}/${other}`, { name: 'admin' })).status).toBe(409);
    expect((await tenant.owner.patch(`${roles}/${id}`, { name: 'OPS' })).body).toMatchObject({ name: 'OPS' });
    expect((await tenant.owner.patch(`${roles}/${id}`, { name: 'Nurse' })).body).toMatchObject({ name: 'Nurse' });
    expect((await tenant.owner.patch(`${roles}/${other}`, { name: 'ops' })).body).toMatchObject({ name: 'ops' });
  });

  it('is refused for a stale revision, by name or not, and answered alike when repeated', async () => {
    const id = await create();
    await done(tenant.owner.patch(`${roles}/${id}`, { name: 'Ward' }, ifMatch(1)));
    for (const body of [{ name: 'x' }, { description: 'x' }]) {
      expect(await tenant.owner.patch(`${roles}/${id}`, body, ifMatch(1))).toMatchObject({
        status: 412,
        body: { code: 'stale-revision' },
      });
    }
    for (const body of [{ name: 'Doctor' }, { description: 'one' }]) {
      const headers = key(JSON.stringify(Object.keys(body)));
      const first = await done(tenant.owner.patch(`${roles}/${id}`, body, headers));
      await done(tenant.owner.patch(`${roles}/${id}`, { name: `after ${first.body.revision}`, description: 'two' }));
      const again = await done(tenant.owner.patch(`${roles}/${id}`, body, headers));
      expect(again.body).toMatchObject({ ...body, revision: first.body.revision });
    }
  });

  it('by two at once from one revision: one succeeds', async () => {
    const id = await create();
    const answers = await Promise.all(
      ['a', 'b'].map((name) => tenant.owner.patch(`${roles}/${id}`, { name, description: name }, ifMatch(1))),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412]);
    const { name, description } = (await tenant.owner.get(`${roles}/${id}`)).body;
    expect(name).toBe(description);
  });

  it('MG-056 of a built-in role is refused with 403, like its deletion; others are 404 to who may not see', async () => {
    for (const name of ['admin', 'editor', 'member']) {
      const changed = await tenant.owner.patch(`${roles}/${name}`, { name: 'x' });
      expect(changed).toMatchObject({ status: 403, body: { code: 'built-in-role' } });
      expect((await tenant.owner.delete(`${roles}/${name}`)).body).toMatchObject({ code: 'built-in-role' });
    }
    const id = await create();
    const [member, stranger] = [await aMember(app, tenant), await aUserWithToken(app)];
    const other = await aTenant(app, { owner: tenant.owner });
    const missing = await tenant.owner.patch(`${roles}/${UNKNOWN}`, { name: 'x' });
    expect(missing.status).toBe(404);
    for (const send of [
      (path: string) => tenant.owner.patch(path, { name: 'x' }),
      (path: string) => tenant.owner.delete(path),
    ]) {
      expect((await send(`${other.path}/roles/${id}`)).body).toEqual(missing.body);
      expect((await send(`${roles}/${UNKNOWN}`)).body).toEqual(missing.body);
      expect((await send(`${roles}/x`)).status).toBe(400);
    }
    expect((await member.patch(`${roles}/${id}`, { name: 'x' })).status).toBe(403);
    expect((await member.delete(`${roles}/${id}`)).status).toBe(403);
    expect((await stranger.patch(`${roles}/${id}`, { name: 'x' })).body).toEqual(missing.body);
    expect((await stranger.delete(`${roles}/${id}`)).body).toEqual(missing.body);
  });
});

describe('deleting a role', () => {
  beforeEach(freshTenant);

  it('that nobody holds leaves nothing, and frees its name', async () => {
    const id = await create();
    expect((await tenant.owner.delete(`${roles}/${id}`, ifMatch(7))).status).toBe(412);
    const answer = await tenant.owner.delete(`${roles}/${id}`, key('gone'));
    expect(answer).toMatchObject({ status: 204, body: undefined });
    expect(await allowed(id)).toEqual([]);
    expect((await tenant.owner.get(`${roles}/${id}`)).status).toBe(404);
    expect((await tenant.owner.delete(`${roles}/${id}`)).status).toBe(404);
    expect((await tenant.owner.delete(`${roles}/${id}`, key('gone'))).status).toBe(204);
    expect((await audited(id)).at(-1)).toMatchObject({ action: 'role.deleted', oldValues: { name: 'Ops' } });
    expect((await tenant.owner.post(roles, ops)).status).toBe(201);
  });

  it('happens to all of them with their tenant', async () => {
    const ids = [await create(), await create({ name: 'Ward' })];
    await done(tenant.owner.delete(tenant.path));
    await app.settled();
    for (const id of ids) expect(await allowed(id)).toEqual([]);
    const { rows } = await app.runtime.pool.query('select 1 from role where tenant_id = $1', [tenant.id]);
    expect(rows).toEqual([]);
    const types = (await tenantEvents(app, tenant.id)).map(({ type }) => type);
    expect(types.filter((type) => type === 'role-deleted.v1')).toHaveLength(2);
  });
});
