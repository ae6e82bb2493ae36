import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';
import { until as eventually } from '../../libs/testing/index.js';
import { DeciderRuntime } from '../../libs/event-store/index.js';
import { executeOnRole } from '../../libs/roles/role-streams.js';
import { startRoleDeletion } from '../../libs/roles/role.decider.js';
import {
  aMember,
  aTenant,
  aUserWithToken,
  aWorkspace,
  checkedApp,
  done,
  everything,
  key,
  type Person,
  relationships,
  type TestTenant,
  UNKNOWN,
} from './world.js';

let app: TestApp;
let tenant: TestTenant;
let workspace: string;
let roles: string;
let assignments: string;

checkedApp(async () => (app = await startTestApp()));

beforeEach(async () => {
  tenant = await aTenant(app);
  workspace = await aWorkspace(tenant);
  roles = `${tenant.path}/roles`;
  assignments = `${tenant.path}/assignments`;
});

const onTenant = () => ({ type: 'tenant', id: tenant.id });
const onWorkspace = () => ({ type: 'workspace', id: workspace });
const create = async (permissions: string[], name = permissions.join(' ').slice(0, 64)): Promise<string> =>
  (await done(tenant.owner.post(roles, { name, permissions }))).body.id;
const assign = (
  to: Person,
  role: unknown,
  target: object,
  { by = tenant.owner, ...more }: { by?: Person; until?: string } = {},
) => by.post(assignments, { subject: { type: 'user', id: to.id }, role, target, ...more });
const may = async (person: Person, permission: string, resource: object): Promise<boolean> =>
  (await done(person.post('/v1/permissions/check', { resource, permission }))).body.allowed as boolean;
const bindings = (role: string) => relationships(app, 'role_binding', `/${role}#`);
const idOf = async (person: Person, role: string): Promise<string> =>
  (await done(tenant.owner.get(`${assignments}?subjectId=${person.id}&role=${role}`))).body.items![0]!.id;

describe('a role of the tenant', () => {
  it('RR-033 RR-034 is given on a workspace and taken, at once, and leaves nothing', async () => {
    const [role, person, other] = [await create(['apps:read']), await aUserWithToken(app), await aUserWithToken(app)];
    expect(await may(person, 'apps:read', onWorkspace())).toBe(false);
    expect(await assign(person, role, onWorkspace())).toMatchObject({
      status: 201,
      body: { target: onWorkspace(), roles: [{ role, sources: ['direct'], until: null }], effective: true },
    });
    for (const permission of ['apps:read', 'apps_read', 'view']) {
      expect(await may(person, permission, onWorkspace())).toBe(true);
    }
    expect(await may(person, 'apps:delete', onWorkspace())).toBe(false);
    expect(await may(person, 'edit', onWorkspace())).toBe(false);
    expect(await may(person, 'apps:read', onTenant())).toBe(false);
    await done(assign(other, role, onWorkspace()));
    expect(await bindings(role)).toEqual([
      `role_binding:${workspace}/${role}#role@role:${role}`,
      ...[person.id, other.id].sort().map((id) => `role_binding:${workspace}/${role}#subject@user:${id}`),
    ]);
    expect((await tenant.owner.delete(`${assignments}/${await idOf(person, role)}`)).status).toBe(204);
    expect(await may(person, 'apps:read', onWorkspace())).toBe(false);
    expect(await may(other, 'apps:read', onWorkspace())).toBe(true);
    expect((await tenant.owner.delete(`${assignments}/${await idOf(other, role)}`)).status).toBe(204);
    expect(await bindings(role)).toEqual([]);
    expect(await relationships(app, 'workspace', `/${role}`)).toEqual([]);
  });

  it('on the tenant reaches its workspaces, and no other tenant', async () => {
    const [role, person] = [await create(['service_accounts:create']), await aUserWithToken(app)];
    await done(assign(person, role, onTenant()));
    for (const permission of ['serviceAccounts:create', 'service_accounts:create', 'service_accounts_create']) {
      expect(await may(person, permission, onTenant())).toBe(true);
      expect(await may(person, permission, onWorkspace())).toBe(true);
    }
    expect(await may(person, 'view', onTenant())).toBe(true);
    expect((await person.get(tenant.path)).status).toBe(200);
    const foreign = await aTenant(app, { owner: tenant.owner });
    expect(await may(person, 'serviceAccounts:create', { type: 'tenant', id: foreign.id })).toBe(false);
    expect(await may(person, 'serviceAccounts:create', { type: 'workspace', id: foreign.rootId })).toBe(false);
    await done(tenant.owner.delete(`${tenant.path}/members/${person.id}`));
    expect(await may(person, 'view', onTenant())).toBe(false);
    expect(await bindings(role)).toEqual([]);
    expect(await relationships(app, 'tenant', `/${role}`)).toEqual([]);
  });

  it('MG-061 allows just what it lists; what it lists counts for everybody who holds it as of its change', async () => {
    const [role, person] = [await create(['apps:read', 'tags:read']), await aUserWithToken(app)];
    await done(assign(person, role, onWorkspace()));
    await done(tenant.owner.patch(`${roles}/${role}`, { permissions: ['apps:read', 'logs:read'] }));
    expect(await may(person, 'logs:read', onWorkspace())).toBe(true);
    expect(await may(person, 'tags:read', onWorkspace())).toBe(false);
    expect(await may(person, 'apps:read', onWorkspace())).toBe(true);
    expect(await may(tenant.owner, 'webhooks:delete', onTenant())).toBe(true);
    expect(await may(tenant.owner, 'webhooks:delete', onWorkspace())).toBe(true);
    expect(await may(await aMember(app, tenant), 'apps:read', onTenant())).toBe(false);
  });

  it('counts as changed on the next check of each who holds it, wherever from', async () => {
    const role = await create(['apps:read'], 'Shift');
    await done(tenant.owner.patch(`${roles}/${role}`, { requestable: true }));
    const asking = await aMember(app, tenant);
    const asked = { kind: 'role', role, target: onTenant() };
    const { body: request } = await done(asking.post(`${tenant.path}/requests`, asked));
    await done(tenant.owner.post(`${tenant.path}/requests/${request.id}/decision`, { decision: 'approved' }));
    const [direct, until] = [await aUserWithToken(app), await aUserWithToken(app)];
    await done(assign(direct, role, onTenant()));
    await done(assign(until, role, onWorkspace(), { until: '2099-01-01T00:00:00.000Z' }));
    const { body: account } = await done(tenant.owner.post(`${tenant.path}/service-accounts`, { name: 'robot' }));
    const subject = { type: 'service_account', id: account.id };
    await done(tenant.owner.post(assignments, { subject, role, target: onWorkspace() }));
    const holders = [asking, direct, until].map(({ id }): object => ({ type: 'user', id })).concat(subject);
    const allowed = async (permission: string): Promise<unknown[]> => {
      const checks = holders.map((holder) => ({ resource: onWorkspace(), permission, subject: holder }));
      return (await done(tenant.owner.post('/v1/permissions/check', { checks }))).body['results'] as unknown[];
    };
    for (const [now, before] of [
      ['logs:read', 'apps:read'],
      ['tags:read', 'logs:read'],
    ] as const) {
      await done(tenant.owner.patch(`${roles}/${role}`, { permissions: [now] }));
      expect([await allowed(now), await allowed(before)]).toEqual([
        holders.map(() => ({ allowed: true })),
        holders.map(() => ({ allowed: false })),
      ]);
    }
  });

  it('is called by its name, too, and stands beside built-in ones', async () => {
    const [role, person] = [await create(['apps:read'], 'Night Shift'), await aMember(app, tenant)];
    expect((await assign(person, 'night shift', onTenant())).body.roles).toMatchObject([{ role: 'member' }, { role }]);
    await done(assign(person, 'editor', onWorkspace()));
    await done(assign(person, role, onWorkspace()));
    const changed = await done(assign(person, 'member', onWorkspace()));
    expect(changed.body.roles).toMatchObject([{ role: 'member' }, { role }]);
    await done(assign(person, 'admin', onTenant()));
    const members = `${tenant.path}/members?role=${role}`;
    expect((await done(tenant.owner.get(members))).body.items).toMatchObject([
      { roles: [{ role: 'admin' }, { role }] },
    ]);
    expect((await done(tenant.owner.get(`${tenant.path}/members?role=Night%20Shift`))).body.items).toHaveLength(1);
    const listed = (await done(tenant.owner.get(`${roles}/${role}/assignments`))).body.items!;
    expect(listed.map(({ target, subject }: { target: object; subject: object }) => [target, subject])).toEqual(
      expect.arrayContaining([
        [onTenant(), { type: 'user', id: person.id }],
        [onWorkspace(), { type: 'user', id: person.id }],
      ]),
    );
    expect((await tenant.owner.get(`${roles}/${UNKNOWN}/assignments`)).status).toBe(404);
    expect((await tenant.owner.get(`${roles}/x/assignments`)).status).toBe(400);
    expect((await (await aMember(app, tenant)).get(`${roles}/${role}/assignments`)).status).toBe(403);
  });

  it('is given and taken through the lists of members, like a built-in one', async () => {
    const [role, person] = [await create(['apps:read']), await aMember(app, tenant)];
    const members = `${tenant.path}/workspaces/${workspace}/members`;
    expect(await tenant.owner.post(members, { userId: person.id, role })).toMatchObject({ status: 201 });
    expect(await may(person, 'apps:read', onWorkspace())).toBe(true);
    expect((await tenant.owner.patch(`${tenant.path}/members/${person.id}`, { role })).body.roles).toMatchObject([
      { role: 'member' },
      { role },
    ]);
    expect((await tenant.owner.delete(`${members}/${person.id}`)).status).toBe(204);
    expect(await may(person, 'apps:read', onWorkspace())).toBe(true);
    await done(tenant.owner.delete(`${tenant.path}/members/${person.id}`));
    expect(await may(person, 'apps:read', onWorkspace())).toBe(false);
    expect(await bindings(role)).toEqual([]);
  });

  it('with an end is held until then, in SpiceDB, too; an end that passed is refused', async () => {
    const [role, person] = [await create(['apps:read']), await aUserWithToken(app)];
    const late = { until: '2090-01-01T00:00:00.000Z' };
    expect((await assign(person, role, onWorkspace(), late)).body.roles).toMatchObject([{ role, ...late }]);
    expect(await may(person, 'apps:read', onWorkspace())).toBe(true);
    const past = await assign(person, role, onWorkspace(), { until: '2020-01-01T00:00:00Z' });
    expect(past).toMatchObject({ status: 422, body: { code: 'until-passed' } });
  });

  it('goes with the workspace or the tenant that it is held on, and leaves nothing', async () => {
    const [role, person] = [await create(['apps:read']), await aUserWithToken(app)];
    await done(assign(person, role, onWorkspace()));
    await done(assign(person, role, onTenant()));
    await done(assign(tenant.owner, 'admin', onWorkspace()));
    await done(tenant.owner.delete(`${tenant.path}/workspaces/${workspace}`));
    expect((await bindings(role)).filter((tuple) => tuple.includes(workspace))).toEqual([]);
    expect(await bindings(role)).toHaveLength(2);
    await done(tenant.owner.delete(tenant.path));
    await eventually(async () => (await bindings(role)).length === 0);
    expect(await relationships(app, 'role', role)).toEqual([]);
    expect(await may(person, 'apps:read', onTenant())).toBe(false);
  });

  it('is held by a service account like by a person, and goes with it', async () => {
    const role = await create(['apps:read']);
    const { body: account } = await done(tenant.owner.post(`${tenant.path}/service-accounts`, { name: 'robot' }));
    const subject = { type: 'service_account', id: account.id };
    const given = { subject, role, target: onTenant() };
    expect((await tenant.owner.post(assignments, given)).status).toBe(201);
    const asked = { resource: onWorkspace(), permission: 'apps:read', subject };
    expect((await done(tenant.owner.post('/v1/permissions/check', asked))).body.allowed).toBe(true);
    expect(await bindings(role)).toHaveLength(2);
    await done(tenant.owner.delete(`${tenant.path}/service-accounts/${account.id}`));
    expect(await bindings(role)).toEqual([]);
    expect(await relationships(app, 'tenant', `/${role}`)).toEqual([]);
  });

  it.each<[string, unknown, number]>([
    ['a word that no role has', 'nurse', 422],
    ['nothing', '', 422],
    ['a blank', ' ', 422],
    ['a number', 7, 422],
    ['null', null, 422],
    ['a list', ['admin'], 422],
    ['a text of 65 characters', 'x'.repeat(65), 422],
    ['an id that no role has', UNKNOWN, 404],
  ])('MG-086 is refused for %s', async (_fault, role, status) => {
    const person = await aUserWithToken(app);
    const before = await everything(app, tenant);
    for (const answer of [
      await assign(person, role, onWorkspace()),
      await assign(person, role, onTenant()),
      await tenant.owner.post(`${tenant.path}/members`, { userId: person.id, role }),
    ]) {
      expect(answer.status).toBe(status);
      if (status === 422) expect(answer.body).toMatchObject({ field: 'role' });
    }
    expect(await everything(app, tenant)).toEqual(before);
  });

  it('of another tenant is as if it were not there', async () => {
    const other = await aTenant(app, { owner: tenant.owner });
    const { body } = await done(
      tenant.owner.post(`${other.path}/roles`, { name: 'Foreign', permissions: ['apps:read'] }),
    );
    const person = await aUserWithToken(app);
    const missing = await assign(person, UNKNOWN, onTenant());
    expect((await assign(person, body.id, onTenant())).body).toEqual(missing.body);
    expect((await assign(person, 'Foreign', onTenant())).status).toBe(422);
    expect((await tenant.owner.get(`${assignments}?role=Foreign`)).status).toBe(400);
    expect((await tenant.owner.get(`${assignments}?role=${body.id}`)).body.items).toEqual([]);
  });
});

describe('nobody passes on what they do not hold', () => {
  it('MG-060 when creating, changing and giving roles', async () => {
    const steward = await aMember(app, tenant);
    const stewardship = await create([
      'roles:read',
      'roles:create',
      'roles:update',
      'roles:delete',
      'roles:assign',
      'apps:read',
    ]);
    await done(assign(steward, stewardship, onTenant()));
    const escalation = (missing: string[]) => ({ status: 403, body: { code: 'permissions-missing', missing } });
    const before = await everything(app, tenant);
    expect(
      await steward.post(roles, { name: 'x', permissions: ['apps:read', 'apps:delete', 'tags:read'] }),
    ).toMatchObject(escalation(['apps:delete', 'tags:read']));
    expect(await everything(app, tenant)).toEqual(before);
    const own = (await done(steward.post(roles, { name: 'x', permissions: ['apps:read'] }))).body.id;
    expect(await steward.patch(`${roles}/${own}`, { permissions: ['apps:read', 'apps:delete'] })).toMatchObject(
      escalation(['apps:delete']),
    );
    expect((await steward.patch(`${roles}/${own}`, { name: 'y' })).status).toBe(200);
    const strong = await create(['apps:delete']);
    for (const change of [{ name: 'z' }, { permissions: ['apps:read'] }, { requestable: true }]) {
      expect(await steward.patch(`${roles}/${strong}`, change)).toMatchObject(escalation(['apps:delete']));
    }
    const person = await aUserWithToken(app);
    expect(await assign(person, strong, onTenant(), { by: steward })).toMatchObject(escalation(['apps:delete']));
    expect(await assign(person, strong, onWorkspace(), { by: steward })).toMatchObject(escalation(['apps:delete']));
    expect((await assign(person, own, onWorkspace(), { by: steward })).status).toBe(201);
    expect((await assign(person, 'member', onTenant(), { by: steward })).status).toBe(403);
    expect((await steward.delete(`${assignments}/${await idOf(person, own)}`)).status).toBe(204);
    expect((await steward.delete(`${roles}/${own}`)).status).toBe(204);
    await done(tenant.owner.delete(`${assignments}/${await idOf(steward, stewardship)}`));
    expect((await steward.post(roles, { name: 'w', permissions: ['apps:read'] })).body).toMatchObject({
      code: 'forbidden',
    });
  });

  it('on a workspace its admin gives what they hold there, and no more', async () => {
    const [lead, person] = [await aMember(app, tenant), await aUserWithToken(app)];
    await done(assign(lead, 'admin', onWorkspace()));
    const role = await create(['apps:read']);
    const members = `${tenant.path}/workspaces/${workspace}/members`;
    for (const answer of [
      await assign(person, role, onWorkspace(), { by: lead }),
      await lead.post(members, { userId: person.id, role }),
    ]) {
      expect(answer).toMatchObject({ status: 403, body: { code: 'permissions-missing', missing: ['apps:read'] } });
    }
    await done(assign(lead, role, onWorkspace()));
    expect((await assign(person, role, onWorkspace(), { by: lead })).status).toBe(201);
    expect((await assign(person, role, onTenant(), { by: lead })).status).toBe(403);
  });

  it('a repeat of what was accepted is answered alike, whatever the caller holds by then', async () => {
    const [lead, person] = [await aMember(app, tenant), await aUserWithToken(app)];
    const role = await create(['apps:read', 'roles:assign'], 'Lead');
    await done(assign(lead, role, onTenant()));
    const body = { subject: { type: 'user', id: person.id }, role: 'Lead', target: onWorkspace() };
    const first = await done(lead.post(assignments, body, key('k')));
    await done(tenant.owner.patch(`${roles}/${role}`, { name: 'Leader', permissions: ['apps:read', 'apps:delete'] }));
    await done(tenant.owner.delete(`${assignments}/${await idOf(person, role)}`));
    const again = await lead.post(assignments, body, key('k'));
    expect(again).toMatchObject({ status: 201, body: { roles: first.body.roles, revision: first.body.revision } });
    expect(await may(person, 'apps:read', onWorkspace())).toBe(false);
  });
});

describe('a role that somebody holds', () => {
  it('is not deleted; one that nobody holds any more is', async () => {
    const [role, person] = [await create(['apps:read']), await aUserWithToken(app)];
    await done(assign(person, role, onWorkspace()));
    const before = await everything(app, tenant);
    expect(await tenant.owner.delete(`${roles}/${role}`)).toMatchObject({ status: 409, body: { code: 'role-in-use' } });
    expect(await everything(app, tenant)).toEqual(before);
    await done(tenant.owner.delete(`${assignments}/${await idOf(person, role)}`));
    expect((await tenant.owner.delete(`${roles}/${role}`)).status).toBe(204);
    expect((await assign(person, role, onWorkspace())).status).toBe(404);
  });

  it('stays when it was given right before its deletion started', async () => {
    const [role, person] = [await create(['apps:read']), await aUserWithToken(app)];
    await done(assign(person, role, onWorkspace()));
    const at = new Date().toISOString();
    const commandId = '01234567-89ab-4cde-8f01-23456789abcd';
    const actor = { type: 'user' as const, id: tenant.owner.id };
    const context = { commandId, actor, authentication: 'test', correlationId: commandId, causationId: null, at };
    const outcome = await executeOnRole(
      app.app.get(DeciderRuntime),
      context,
      { tenantId: tenant.id, roleId: role },
      (state) => startRoleDeletion({ at }, state),
    );
    expect(outcome.events).toHaveLength(1);
    const audit = `${tenant.path}/audit-log?resourceType=role&resourceId=${role}&limit=1`;
    await eventually(async () => {
      return (await done(tenant.owner.get(audit))).body.items![0]!.action === 'role.deletion-stopped';
    });
    expect(await may(person, 'apps:read', onWorkspace())).toBe(true);
    expect((await tenant.owner.patch(`${roles}/${role}`, { description: 'still here' })).status).toBe(200);
  });

  it('and is deleted at once: whatever comes first, nobody holds a role that is gone', async () => {
    for (let round = 0; round < 4; round++) {
      const [role, person] = [await create(['apps:read'], `role ${round}`), await aUserWithToken(app)];
      const [given, deleted] = await Promise.all([
        assign(person, role, onWorkspace()),
        tenant.owner.delete(`${roles}/${role}`),
      ]);
      expect([201, 404, 409]).toContain(given.status);
      expect([204, 409]).toContain(deleted.status);
      expect([given.status, deleted.status]).not.toEqual([201, 204]);
      expect(await may(person, 'apps:read', onWorkspace())).toBe(given.status === 201);
      expect(await bindings(role)).toHaveLength(given.status === 201 ? 2 : 0);
    }
  });
});
