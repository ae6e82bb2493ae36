import type { AnswerBody } from '../../libs/testing/api-client.js';
import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';
import {
  allPages,
  aMember,
  aRole,
  aServiceAccount,
  aTenant,
  aUserWithToken,
  aWorkspace,
  checkedApp,
  done,
  type Person,
  type TestTenant,
  uniqueName,
} from './world.js';

let app: TestApp;
let tenant: TestTenant;
let log: string;

checkedApp(async () => (app = await startTestApp()));

beforeEach(async () => {
  tenant = await aTenant(app);
  log = `${tenant.path}/audit-log`;
});

/** A member who holds these permissions on the tenant. */
async function aReader(permissions: string[]): Promise<Person> {
  const person = await aMember(app, tenant);
  const { body: role } = await done(tenant.owner.post(`${tenant.path}/roles`, { name: uniqueName('r'), permissions }));
  const subject = { type: 'user', id: person.id };
  const given = { subject, role: role.id, target: { type: 'tenant', id: tenant.id } };
  await done(tenant.owner.post(`${tenant.path}/assignments`, given));
  return person;
}

describe('the audit log', () => {
  it('MG-109 MG-092 goes on to name who is removed or deactivated, also where a process acted for them', async () => {
    const named = await aMember(app, tenant, 'admin');
    const { body: account } = await done(app.admin.post('/v1/users', { email: 'Only-Mail@Example.org' }));
    const { body: token } = await done(app.admin.post(`/v1/users/${account.id}/tokens`, { name: 'test' }));
    await done(tenant.owner.post(`${tenant.path}/members`, { userId: account.id, role: 'admin' }));
    const mailed = { id: account.id as string, name: 'only-mail@example.org', ...app.as(token.secret) };
    const people = [named, mailed];
    for (const by of people) {
      await done(by.patch(tenant.path, { name: uniqueName('renamed') }));
      await done(by.post(`${tenant.path}/workspaces`, { name: uniqueName('w'), parentId: tenant.rootId }));
    }
    for (const { id } of people) await done(tenant.owner.delete(`${tenant.path}/members/${id}`));
    await done(app.admin.delete(`/v1/users/${named.id}`));
    await app.settled();
    for (const { id, name } of people) {
      const { body } = await tenant.owner.get(`${log}?actorId=${id}&action=workspace.created`);
      expect(body.items).toMatchObject([{ actor: { type: 'user', id, displayName: name } }]);
    }
    const { body } = await tenant.owner.get(`${log}?action=tenant.renamed&order=asc`);
    expect(body.items.map(({ actor }: AnswerBody) => actor)).toMatchObject(
      people.map(({ id, name }) => ({ type: 'process', onBehalfOf: { type: 'user', id, displayName: name } })),
    );
  });

  it('MG-111 has an entry of what was accepted while nothing could be written to it', async () => {
    const role = await aRole(tenant);
    await app.settled();
    const client = await app.runtime.pool.connect();
    try {
      await client.query('begin; lock table audit_entry in access exclusive mode');
      const path = `${tenant.path}/roles/${role}`;
      const changed = await tenant.owner.patch(path, { description: 'changed' }, { prefer: 'wait=0' });
      expect(changed).toMatchObject({ status: 200, body: { description: 'changed', effective: false } });
    } finally {
      await client.query('commit');
      client.release();
    }
    await app.settled();
    const { body } = await tenant.owner.get(`${log}?resourceType=role&resourceId=${role}&action=role.changed`);
    expect(body.items).toMatchObject([{ actor: { id: tenant.owner.id }, newValues: { description: 'changed' } }]);
  });

  it('MG-119 tells all of one resource from its creation to its deletion, in order', async () => {
    const from = new Date(0).toISOString();
    const workspace = await aWorkspace(tenant);
    const path = `${tenant.path}/workspaces/${workspace}`;
    const parentId = await aWorkspace(tenant);
    const member = await aMember(app, tenant);
    await done(tenant.owner.patch(path, { name: 'Renamed' }));
    await done(tenant.owner.patch(path, { parentId }));
    await done(tenant.owner.post(`${path}/members`, { userId: member.id, role: 'editor' }));
    await done(tenant.owner.delete(`${path}/members/${member.id}`));
    await done(tenant.owner.delete(path));
    await app.settled();
    const history = await allPages(
      tenant.owner,
      `${log}?resourceType=workspace&resourceId=${workspace}&from=${from}&order=asc`,
      2,
    );
    expect(history.map(({ action }) => action)).toEqual([
      // Who creates it is its admin.
      ...['workspace.created', 'role.granted', 'workspace.renamed', 'workspace.moved'],
      ...['role.granted', 'role.ended', 'workspace.deleted'],
    ]);
    const places = history.map(({ position }) => position as number);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });

  it('MG-115 shows who does not administrate the tenant the entries of what they may see', async () => {
    const [hidden, shown] = [await aWorkspace(tenant), await aWorkspace(tenant)];
    const [role, robot, asking] = [await aRole(tenant), await aServiceAccount(app, tenant), await aMember(app, tenant)];
    const { body: apiKey } = await done(tenant.owner.post(`${tenant.path}/api-keys`, { name: 'script' }));
    const ask = async (by: Person, target: string): Promise<string> => {
      const asked = { kind: 'role', role: 'editor', target: { type: 'workspace', id: target } };
      return (await done(by.post(`${tenant.path}/requests`, asked))).body.id;
    };
    const reader = await aReader(['logs:read']);
    const [theirs, own, decidable] = [await ask(asking, hidden), await ask(reader, hidden), await ask(asking, shown)];
    const inShown = { userId: reader.id, role: 'admin' };
    await done(tenant.owner.post(`${tenant.path}/workspaces/${shown}/members`, inShown));
    const everything = await aReader(
      ['logs', 'workspaces', 'requests', 'roles', 'serviceAccounts', 'serviceAccountTokens', 'members'].map(
        (resource) => `${resource}:read`,
      ),
    );
    await app.settled();
    const seenBy = async (by: Person, query = ''): Promise<string[]> => {
      const items = await allPages(by, `${log}?order=asc${query}`, 7);
      return [...new Set(items.map(({ resource }) => resource.id as string))];
    };
    const concealed = [hidden, theirs, role, robot.id, robot.tokenId, apiKey.id];
    const all = await seenBy(tenant.owner);
    expect(all).toEqual(expect.arrayContaining([tenant.id, shown, own, decidable, ...concealed]));
    for (const query of ['', `&from=${new Date(0).toISOString()}`]) {
      expect((await seenBy(reader, query)).sort()).toEqual([tenant.id, shown, own, decidable].sort());
    }
    for (const id of concealed) expect((await reader.get(`${log}?resourceId=${id}`)).body.items).toEqual([]);
    const consequences = `${log}?resourceType=request&resourceId=${own}&consequences=true`;
    expect((await reader.get(consequences)).body.items.map(({ resource }: AnswerBody) => resource.id)).toEqual([own]);
    expect((await seenBy(everything)).sort()).toEqual(all.filter((id) => id !== apiKey.id).sort());
    expect((await asking.get(log)).status).toBe(403);
    expect((await (await aUserWithToken(app)).get(log)).status).toBe(404);
  });
});
