import { until } from '../../libs/testing/until.js';
import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';
import {
  aMember,
  aRole,
  aServiceAccount,
  aTenant,
  aUserWithToken,
  aWorkspace,
  checkedApp,
  consistency,
  done,
  ifMatch,
  relationships,
  relationshipsNaming,
  tenantEvents,
  type TestTenant,
  UNKNOWN,
} from './world.js';

let app: TestApp;
let tenant: TestTenant;

checkedApp(async () => (app = await startTestApp()));

beforeEach(async () => {
  tenant = await aTenant(app);
});

const removalsOf = async (tenantId: string): Promise<string[]> =>
  (await tenantEvents(app, tenantId)).flatMap(({ type, data }) =>
    type === 'workspace-deleted.v1' ? [data['workspaceId'] as string] : type === 'tenant-deleted.v1' ? ['tenant'] : [],
  );

describe('deleting a tenant', () => {
  it('TW-050 TW-022 TW-026 removes grandchild, child and root, then the tenant; no relationship names any of them', async () => {
    const child = await aWorkspace(tenant);
    const grandchild = await aWorkspace(tenant, { parentId: child });
    const member = await aMember(app, tenant);
    const [role, robot] = [await aRole(tenant), await aServiceAccount(app, tenant)];
    const keys = [];
    for (const by of [tenant.owner, member]) {
      keys.push((await done(by.post(`${tenant.path}/api-keys`, { name: 'script' }))).body.id as string);
    }
    const given = { subject: robot.subject, role, target: { type: 'workspace', id: child } };
    await done(tenant.owner.post(`${tenant.path}/assignments`, given));
    for (const id of [tenant.rootId, child, grandchild]) {
      await done(tenant.owner.post(`${tenant.path}/workspaces/${id}/members`, { userId: member.id, role: 'editor' }));
    }
    const answer = await tenant.owner.delete(tenant.path);
    expect(answer).toMatchObject({ status: 204, body: undefined });
    expect(await removalsOf(tenant.id)).toEqual([grandchild, child, tenant.rootId, 'tenant']);
    const types = (await tenantEvents(app, tenant.id)).map(({ type }) => type);
    for (const type of ['api-key-deleted.v1', 'service-account-deleted.v1', 'role-deleted.v1']) {
      expect(types.lastIndexOf(type)).toBeGreaterThan(0);
      expect(types.lastIndexOf(type)).toBeLessThan(types.indexOf('tenant-deleted.v1'));
    }
    for (const id of [tenant.id, tenant.rootId, child, grandchild, role, robot.id, ...keys])
      expect(await relationshipsNaming(app, id)).toEqual([]);
    for (const by of [tenant.owner, member]) {
      expect((await by.get(tenant.path, consistency(answer))).status).toBe(404);
      expect((await by.get('/v1/tenants')).body.items).toEqual([]);
      expect((await by.get(`${tenant.path}/workspaces`)).body.items).toEqual([]);
      expect((await by.get(`${tenant.path}/workspaces/${child}`)).status).toBe(404);
    }
  });

  it('TW-051 removes each of 40 workspaces on six levels after all that are below it', async () => {
    const parents = new Map<string, string>();
    const levels: string[][] = [[tenant.rootId], [], [], [], [], []];
    for (let i = 0; i < 40; i++) {
      const level = i < 5 ? i + 1 : 1 + ((i * 7) % 5);
      const above = levels[level - 1]!;
      const parentId = above[(i * 3) % above.length]!;
      const id = await aWorkspace(tenant, { parentId });
      levels[level]!.push(id);
      parents.set(id, parentId);
    }
    await done(tenant.owner.delete(tenant.path));
    const removed = await removalsOf(tenant.id);
    expect([...removed].sort()).toEqual([...parents.keys(), tenant.rootId, 'tenant'].sort());
    for (const [id, parentId] of parents) expect(removed.indexOf(id)).toBeLessThan(removed.indexOf(parentId));
    expect(removed.at(-1)).toBe('tenant');
    const left = (await relationships(app, 'workspace')).filter((tuple) =>
      [...parents.keys(), tenant.rootId].some((id) => tuple.includes(id)),
    );
    expect(left).toEqual([]);
  });

  it('TW-053 records how many workspaces went', async () => {
    await aWorkspace(tenant);
    await done(tenant.owner.delete(tenant.path));
    await app.settled();
    const { rows } = await app.runtime.pool.query(
      `select old_values from audit_entry where tenant_id = $1 and action = 'tenant.deleted'`,
      [tenant.id],
    );
    expect(rows).toEqual([{ old_values: { name: tenant.name, workspaces: 2 } }]);
  });

  it('frees its name', async () => {
    await done(tenant.owner.delete(tenant.path));
    const again = await tenant.owner.post('/v1/tenants', { name: tenant.name.toUpperCase() });
    expect(again).toMatchObject({ status: 201 });
    expect(again.body.id).not.toBe(tenant.id);
  });

  it('leaves other tenants, and people’s roles there, as they are', async () => {
    const other = await aTenant(app, { owner: tenant.owner });
    const before = await relationshipsNaming(app, other.id);
    await done(tenant.owner.delete(tenant.path));
    expect(await relationshipsNaming(app, other.id)).toEqual(before);
    expect((await tenant.owner.get(other.path)).status).toBe(200);
  });

  it('TW-056 is refused with 403 to a plain member, with the same 404 to others, and nothing changes', async () => {
    const [member, stranger] = [await aMember(app, tenant), await aUserWithToken(app)];
    const before = await relationshipsNaming(app, tenant.id);
    expect(await member.delete(tenant.path)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    const hidden = await stranger.delete(tenant.path);
    expect(hidden.status).toBe(404);
    expect((await stranger.delete(`/v1/tenants/${UNKNOWN}`)).body).toEqual(hidden.body);
    expect((await stranger.delete('/v1/tenants/nonsense')).status).toBe(400);
    expect((await tenant.owner.delete(tenant.path, ifMatch(7))).status).toBe(412);
    expect(await relationshipsNaming(app, tenant.id)).toEqual(before);
    expect((await tenant.owner.delete(tenant.path, ifMatch(1))).status).toBe(204);
    expect((await tenant.owner.delete(tenant.path)).body).toEqual(hidden.body);
  });

  it('wins over what comes at the same time: nothing of the tenant is left', async () => {
    const workspace = await aWorkspace(tenant);
    const people = await Promise.all([1, 2, 3].map(() => aUserWithToken(app)));
    const busy = people.flatMap(({ id }) => [
      tenant.owner.post(`${tenant.path}/members`, { userId: id, role: 'admin' }),
      tenant.owner.post(`${tenant.path}/workspaces/${workspace}/members`, { userId: id, role: 'editor' }),
      tenant.owner.post(`${tenant.path}/workspaces`, { name: id, parentId: workspace }),
      tenant.owner.patch(tenant.path, { name: `${tenant.name} ${id}` }),
    ]);
    const [deleted, ...others] = await Promise.all([tenant.owner.delete(tenant.path), ...busy]);
    expect(deleted.status).toBe(204);
    // 409: of renamings at once, one that another overtook.
    for (const { status } of others) expect([200, 201, 403, 404, 409]).toContain(status);
    await until(async () => (await removalsOf(tenant.id)).includes('tenant'));
    const created = (await tenantEvents(app, tenant.id)).filter(({ type }) => type === 'workspace-created.v1');
    for (const { data } of created) expect(await relationshipsNaming(app, data['workspaceId'] as string)).toEqual([]);
    expect(await relationshipsNaming(app, tenant.id)).toEqual([]);
    await until(async () => {
      const { rows } = await app.runtime.pool.query('select 1 from assignment where tenant_id = $1', [tenant.id]);
      return rows.length === 0;
    });
    for (const name of [tenant.name, ...people.map(({ id }) => `${tenant.name} ${id}`)]) {
      await until(async () => (await tenant.owner.post('/v1/tenants', { name })).status === 201);
    }
  });
});
