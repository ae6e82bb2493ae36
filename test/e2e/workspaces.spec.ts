import type { AnswerBody } from '../../libs/testing/api-client.js';
import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';
import {
  allPages,
  aMember,
  aTenant,
  aUserWithToken,
  aWorkspace,
  checkedApp,
  consistency,
  done,
  everything,
  ifMatch,
  relationships,
  relationshipsNaming,
  type TestTenant,
  uniqueName,
  UNKNOWN,
} from './world.js';

let app: TestApp;
let tenant: TestTenant;
let workspaces: string;

checkedApp(async () => (app = await startTestApp()));

beforeEach(async () => {
  tenant = await aTenant(app);
  workspaces = `${tenant.path}/workspaces`;
});

const BAD_NAMES: [string, unknown][] = [
  ['no name', undefined],
  ['an empty name', ''],
  ['a blank name', '\u00a0'],
  ['null', null],
  ['an object', {}],
  ['a name of 513 characters', 'x'.repeat(513)],
];

describe('creating a workspace', () => {
  it('TW-025 TW-070 answers 201 with the workspace; SpiceDB has its tenant, its parent and its creator', async () => {
    const answer = await tenant.owner.post(workspaces, { name: 'Engineering', parentId: tenant.rootId.toLowerCase() });
    const { id, createdAt } = answer.body as unknown as { id: string; createdAt: string };
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({
      ...{ id, tenantId: tenant.id, name: 'Engineering', parentId: tenant.rootId, isRoot: false },
      ...{ createdAt, updatedAt: createdAt, revision: 1, effective: true, token: expect.any(String) },
    });
    expect(await relationshipsNaming(app, id)).toEqual([
      `workspace:${id}#admin@user:${tenant.owner.id}`,
      `workspace:${id}#parent@workspace:${tenant.rootId}`,
      `workspace:${id}#tenant@tenant:${tenant.id}`,
    ]);
    const { token: _token, effective: _effective, ...resource } = answer.body;
    expect((await tenant.owner.get(`${workspaces}/${id}`, consistency(answer))).body).toEqual(resource);
  });

  it.each(BAD_NAMES)('TW-073 is refused with 422 for %s', async (_fault, name) => {
    const answer = await tenant.owner.post(workspaces, { name, parentId: tenant.rootId });
    expect(answer).toMatchObject({ status: 422, body: { field: 'name' } });
  });

  it('TW-073 takes a name of 512 characters', async () => {
    expect((await tenant.owner.post(workspaces, { name: 'x'.repeat(512), parentId: tenant.rootId })).status).toBe(201);
  });

  it('TW-083 is refused with 422 without a parent: a tenant has one root', async () => {
    for (const parentId of [undefined, null, '', 'nonsense', 7]) {
      expect(await tenant.owner.post(workspaces, { name: 'second root', parentId })).toMatchObject({
        status: 422,
        body: { field: 'parentId' },
      });
    }
  });

  it('is refused with 409 for a name that a sibling has, in whatever spelling, and not for one elsewhere', async () => {
    const parentId = await aWorkspace(tenant, { name: 'Sales' });
    await aWorkspace(tenant, { name: 'Straßen ΟΔΟΣ' });
    const alike = ['Sales', 'sales', ' SALES ', '\uff33ales', 'Sa\u200cles\ufe0f', 'STRASSEN οδος', 'straßen οδοσ'];
    for (const name of alike) {
      expect(await tenant.owner.post(workspaces, { name, parentId: tenant.rootId })).toMatchObject({
        status: 409,
        body: { code: 'workspace-name-taken', field: 'name' },
      });
    }
    expect((await tenant.owner.post(workspaces, { name: 'Sales', parentId })).status).toBe(201);
  });

  it('TW-086 any member may create below the root, and becomes admin of it; below others who may edit there', async () => {
    const member = await aMember(app, tenant);
    const own = await member.post(workspaces, { name: 'mine', parentId: tenant.rootId });
    expect(own.status).toBe(201);
    expect(await relationships(app, 'workspace', own.body.id)).toContain(
      `workspace:${own.body.id as string}#admin@user:${member.id}`,
    );
    expect((await member.post(workspaces, { name: 'deeper', parentId: own.body.id })).status).toBe(201);
  });

  it('TW-086 is refused as if the parent were not there to who may not create below it', async () => {
    const member = await aMember(app, tenant);
    const hidden = await aWorkspace(tenant);
    const refused = await member.post(workspaces, { name: 'x', parentId: hidden });
    expect(refused).toMatchObject({ status: 404, body: { code: 'not-found' } });
    expect((await member.post(workspaces, { name: 'x', parentId: UNKNOWN })).body).toEqual(refused.body);
    const foreign = (await aTenant(app)).rootId;
    expect((await member.post(workspaces, { name: 'x', parentId: foreign })).body).toEqual(refused.body);
    const stranger = await aUserWithToken(app);
    expect((await stranger.post(workspaces, { name: 'x', parentId: tenant.rootId })).body).toEqual(refused.body);
  });

  it('is refused below a workspace of another tenant of the same person', async () => {
    const other = await aTenant(app, { owner: tenant.owner });
    const answer = await tenant.owner.post(workspaces, { name: 'x', parentId: other.rootId });
    expect(answer.status).toBe(404);
    expect(
      (await tenant.owner.post(`/v1/tenants/${UNKNOWN}/workspaces`, { name: 'x', parentId: tenant.rootId })).status,
    ).toBe(404);
    expect((await allPages(tenant.owner, `${other.path}/workspaces`, 50)).map(({ name }) => name)).toEqual([
      other.name,
    ]);
  });
});

describe('reading a workspace', () => {
  it('TW-075 answers the same 404 for one that is not there, of another tenant or hidden; 400 for no id', async () => {
    const [own, other] = [await aWorkspace(tenant), await aTenant(app, { owner: tenant.owner })];
    expect(await tenant.owner.get(`${workspaces}/${own}`)).toMatchObject({ status: 200, body: { id: own } });
    const missing = await tenant.owner.get(`${workspaces}/${UNKNOWN}`);
    expect(missing.status).toBe(404);
    expect((await tenant.owner.get(`${workspaces}/${other.rootId}`)).body).toEqual(missing.body);
    expect((await (await aMember(app, tenant)).get(`${workspaces}/${own}`)).body).toEqual(missing.body);
    expect((await tenant.owner.get(`${workspaces}/nonsense`)).status).toBe(400);
    expect((await tenant.owner.get(`/v1/tenants/nonsense/workspaces/${own}`)).status).toBe(400);
  });

  it('TW-088 lists to a tenant admin all, to a plain member none until they are given a role', async () => {
    const ids = [tenant.rootId, await aWorkspace(tenant), await aWorkspace(tenant), await aWorkspace(tenant)];
    const member = await aMember(app, tenant);
    expect((await member.get(workspaces)).body).toEqual({ items: [], nextCursor: null });
    await done(tenant.owner.post(`${workspaces}/${ids[2]}/members`, { userId: member.id, role: 'member' }));
    expect((await member.get(workspaces)).body.items).toEqual([expect.objectContaining({ id: ids[2] })]);
    const creator = await aMember(app, tenant, 'admin');
    expect((await allPages(creator, workspaces, 2)).map(({ id }) => id)).toEqual([...ids].sort());
    expect((await (await aUserWithToken(app)).get(workspaces)).body.items).toEqual([]);
  });

  it('lists those below one alone where it is asked', async () => {
    const parentId = await aWorkspace(tenant);
    const child = await aWorkspace(tenant, { parentId });
    const { body } = await tenant.owner.get(`${workspaces}?parentId=${parentId}`);
    expect(body.items?.map(({ id }: AnswerBody) => id)).toEqual([child]);
    for (const query of ['parentId=x', 'limit=0', 'limit=201', 'sort=name']) {
      expect((await tenant.owner.get(`${workspaces}?${query}`)).status).toBe(400);
    }
  });

  it('pages neither miss nor double while workspaces are created', async () => {
    const before = [tenant.rootId];
    for (let i = 0; i < 7; i++) before.push(await aWorkspace(tenant));
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const { body } = await done(tenant.owner.get(`${workspaces}?limit=3${cursor && `&cursor=${cursor}`}`));
      seen.push(...body.items!.map(({ id }: AnswerBody) => id as string));
      cursor = body.nextCursor as string | null;
      if (before.length < 11) before.push(await aWorkspace(tenant));
    }
    expect(seen).toEqual([...before].sort());
  });
});

describe('changing a workspace', () => {
  it('TW-087 its admin may rename it; who sees it may not, who does not is not told', async () => {
    const id = await aWorkspace(tenant);
    const path = `${workspaces}/${id}`;
    const renamed = await tenant.owner.patch(path, { name: 'Renamed' }, ifMatch(1));
    expect(renamed).toMatchObject({ status: 200, body: { id, name: 'Renamed', parentId: tenant.rootId, revision: 2 } });
    expect((await tenant.owner.get(path)).body).toMatchObject({ name: 'Renamed', revision: 2 });
    const [tenantAdmin, plain] = [await aMember(app, tenant, 'admin'), await aMember(app, tenant)];
    expect((await tenantAdmin.patch(path, { name: 'x' })).status).toBe(403);
    expect((await plain.patch(path, { name: 'x' })).status).toBe(404);
  });

  it.each([...BAD_NAMES.slice(1), ['nothing', undefined]])('is refused with 422 for %s', async (_fault, name) => {
    const path = `${workspaces}/${await aWorkspace(tenant)}`;
    expect(await tenant.owner.patch(path, { name })).toMatchObject({ status: 422, body: { code: 'invalid' } });
  });

  it('is refused with 412 to who saw an earlier state, with 409 for a name that is taken', async () => {
    const [id, name] = [await aWorkspace(tenant), uniqueName('taken')];
    await aWorkspace(tenant, { name });
    const before = await everything(app, tenant);
    expect((await tenant.owner.patch(`${workspaces}/${id}`, { name: 'x' }, ifMatch(2))).status).toBe(412);
    expect(await tenant.owner.patch(`${workspaces}/${id}`, { name })).toMatchObject({
      status: 409,
      body: { code: 'workspace-name-taken', field: 'name' },
    });
    expect(await everything(app, tenant)).toEqual(before);
  });

  it('is not possible through another tenant', async () => {
    const other = await aTenant(app, { owner: tenant.owner });
    const id = await aWorkspace(tenant);
    expect((await tenant.owner.patch(`${other.path}/workspaces/${id}`, { name: 'x' })).status).toBe(404);
    expect((await tenant.owner.delete(`${other.path}/workspaces/${id}`)).status).toBe(404);
  });

  it('moves it with a new name at once; its parent changes in SpiceDB', async () => {
    const [id, parentId] = [await aWorkspace(tenant), await aWorkspace(tenant)];
    const moved = await tenant.owner.patch(`${workspaces}/${id}`, { name: 'Moved', parentId });
    expect(moved).toMatchObject({ status: 200, body: { name: 'Moved', parentId, revision: 3 } });
    expect(await relationships(app, 'workspace', `workspace:${id}#parent`)).toEqual([
      `workspace:${id}#parent@workspace:${parentId}`,
    ]);
  });

  it('TW-085 is refused where it would become its own ancestor', async () => {
    const parent = await aWorkspace(tenant);
    const child = await aWorkspace(tenant, { parentId: parent });
    const before = await everything(app, tenant);
    for (const parentId of [parent, child]) {
      expect(await tenant.owner.patch(`${workspaces}/${parent}`, { parentId })).toMatchObject({
        status: 409,
        body: { code: 'workspace-cycle', field: 'parentId' },
      });
    }
    expect(await tenant.owner.patch(`${workspaces}/${tenant.rootId}`, { parentId: child })).toMatchObject({
      status: 409,
      body: { code: 'root-workspace' },
    });
    expect(await everything(app, tenant)).toEqual(before);
  });

  it('is refused as if the new parent were not there to who may not create below it, or where it is foreign', async () => {
    const member = await aMember(app, tenant);
    const { body: own } = await done(member.post(workspaces, { name: 'own', parentId: tenant.rootId }));
    const hidden = await aWorkspace(tenant);
    for (const parentId of [hidden, UNKNOWN, (await aTenant(app, { owner: member })).rootId]) {
      expect((await member.patch(`${workspaces}/${own.id}`, { parentId })).status).toBe(404);
    }
  });
});

describe('deleting a workspace', () => {
  it('TW-027 answers 204; no relationship names it, its members included, and its name is free', async () => {
    const id = await aWorkspace(tenant, { name: 'doomed' });
    const member = await aMember(app, tenant);
    await done(tenant.owner.post(`${workspaces}/${id}/members`, { userId: member.id, role: 'editor' }));
    const answer = await tenant.owner.delete(`${workspaces}/${id}`);
    expect(answer.status).toBe(204);
    expect(await relationshipsNaming(app, id)).toEqual([]);
    expect((await tenant.owner.get(`${workspaces}/${id}`, consistency(answer))).status).toBe(404);
    expect((await tenant.owner.get(`${tenant.path}/assignments?targetId=${id}`)).body.items).toEqual([]);
    expect((await tenant.owner.post(workspaces, { name: 'doomed', parentId: tenant.rootId })).status).toBe(201);
  });

  it('TW-078 is refused with 409 for the root, and nothing changes', async () => {
    const before = await everything(app, tenant);
    expect(await tenant.owner.delete(`${workspaces}/${tenant.rootId}`)).toMatchObject({
      status: 409,
      body: { code: 'root-workspace' },
    });
    expect(await everything(app, tenant)).toEqual(before);
  });

  it('is refused with 409 while there are workspaces below it', async () => {
    const parentId = await aWorkspace(tenant);
    const child = await aWorkspace(tenant, { parentId });
    expect(await tenant.owner.delete(`${workspaces}/${parentId}`)).toMatchObject({
      status: 409,
      body: { code: 'workspace-has-children' },
    });
    await done(tenant.owner.delete(`${workspaces}/${child}`));
    expect((await tenant.owner.delete(`${workspaces}/${parentId}`)).status).toBe(204);
  });

  it('TW-080 answers 404 for one that is unknown, foreign or hidden, 403 to who only sees it, 412 when stale', async () => {
    const [id, foreign] = [await aWorkspace(tenant), (await aTenant(app)).rootId];
    const [tenantAdmin, plain] = [await aMember(app, tenant, 'admin'), await aMember(app, tenant)];
    expect((await tenant.owner.delete(`${workspaces}/${UNKNOWN}`)).status).toBe(404);
    expect((await tenant.owner.delete(`${workspaces}/${foreign}`)).status).toBe(404);
    expect((await plain.delete(`${workspaces}/${id}`)).status).toBe(404);
    expect((await tenantAdmin.delete(`${workspaces}/${id}`)).status).toBe(403);
    expect((await tenant.owner.delete(`${workspaces}/${id}`, ifMatch(2))).status).toBe(412);
    expect((await tenant.owner.delete(`${workspaces}/nonsense`)).status).toBe(400);
    expect((await tenant.owner.delete(`${workspaces}/${id}`, ifMatch(1))).status).toBe(204);
  });
});
