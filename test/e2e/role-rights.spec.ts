import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';
import {
  aMember,
  type Answered,
  aTenant,
  aUserWithToken,
  aWorkspace,
  checkedApp,
  done,
  everything,
  type Person,
  type TestTenant,
  uniqueName,
} from './world.js';

let app: TestApp;
let tenant: TestTenant;
let workspace: string;
let account: string;
let request: string;

checkedApp(async () => (app = await startTestApp()));

beforeAll(async () => {
  tenant = await aTenant(app);
  workspace = await aWorkspace(tenant);
  account = (await done(tenant.owner.post(at('service-accounts'), { name: 'robot' }))).body.id;
  const asking = await aMember(app, tenant);
  const asked = { kind: 'role', role: 'editor', target: onWorkspace() };
  request = (await done(asking.post(at('requests'), asked))).body.id;
});

const at = (path: string): string => `${tenant.path}/${path}`;
const onTenant = () => ({ type: 'tenant', id: tenant.id });
const onWorkspace = () => ({ type: 'workspace', id: workspace });
const give = (subject: object, role: string, target: object) =>
  done(tenant.owner.post(at('assignments'), { subject, role, target }));

/** Somebody who holds these permissions on the target, and is a member of the tenant where it is said. */
async function holderOf(permissions: string[], { target = onTenant(), member = true } = {}): Promise<Person> {
  const person = member ? await aMember(app, tenant) : await aUserWithToken(app);
  const { body: role } = await done(tenant.owner.post(at('roles'), { name: uniqueName('role'), permissions }));
  await give({ type: 'user', id: person.id }, role.id, target);
  return person;
}

type Calls = (by: Person) => Promise<Answered>;
const ROUTES: [permission: string, what: string, calls: Calls, status: number][] = [
  ['logs:read', 'the audit log', (by) => by.get(at('audit-log')), 200],
  ['requests:read', 'all requests', (by) => by.get(at('requests')), 200],
  ['members:read', 'the members', (by) => by.get(at('members')), 200],
  ['members:read', 'the assignments', (by) => by.get(at('assignments')), 200],
  ['roles:read', 'the roles', (by) => by.get(at('roles')), 200],
  ['serviceAccounts:read', 'the service accounts', (by) => by.get(at('service-accounts')), 200],
  ['serviceAccounts:read', 'a service account', (by) => by.get(at(`service-accounts/${account}`)), 200],
  ['serviceAccounts:create', 'a new one', (by) => by.post(at('service-accounts'), { name: 'x' }), 201],
  ['serviceAccounts:update', 'its name', (by) => by.patch(at(`service-accounts/${account}`), { name: 'y' }), 200],
  ['serviceAccounts:delete', 'its end', async (by) => by.delete(at(`service-accounts/${await anAccount()}`)), 204],
  ['serviceAccountTokens:read', 'its tokens', (by) => by.get(at(`service-accounts/${account}/tokens`)), 200],
  ['serviceAccountTokens:create', 'a token', (by) => by.post(at(`service-accounts/${account}/tokens`), {}), 201],
  ['serviceAccountTokens:delete', 'the end of a token', async (by) => by.delete(at(await aTokensPath())), 204],
  ['members:create', 'a new member', async (by) => by.post(at('members'), await aNewcomer()), 201],
  ['members:update', 'an end', async (by) => by.patch(at(`members/${(await aMember(app, tenant)).id}`), anEnd()), 200],
  ['members:delete', 'the removal', async (by) => by.delete(at(`members/${(await aMember(app, tenant)).id}`)), 204],
];

async function anAccount(): Promise<string> {
  return (await done(tenant.owner.post(at('service-accounts'), { name: 'short-lived' }))).body.id;
}
async function aTokensPath(): Promise<string> {
  const tokens = `service-accounts/${account}/tokens`;
  return `${tokens}/${(await done(tenant.owner.post(at(tokens), { name: uniqueName('token') }))).body.id}`;
}
async function aNewcomer(): Promise<object> {
  return { userId: (await aUserWithToken(app)).id, role: 'member' };
}
function anEnd(): object {
  return { role: 'member', until: '2099-01-01T00:00:00.000Z' };
}

describe('a role of the tenant opens the routes that its permissions name', () => {
  it.each(ROUTES)('%s: %s', async (permission, _what, call, status) => {
    expect(await call(await holderOf(['tags:read']))).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect((await call(await holderOf([permission]))).status).toBe(status);
  });

  it('requests:read: one request, which is missing to others, and no decision', async () => {
    const reader = await holderOf(['requests:read']);
    expect((await reader.get(at(`requests/${request}`))).status).toBe(200);
    expect((await reader.post(at(`requests/${request}/decision`), { decision: 'rejected' })).status).toBe(403);
    expect((await (await holderOf(['tags:read'])).get(at(`requests/${request}`))).status).toBe(404);
  });

  it('held on a workspace they say nothing of the tenant’s log, requests and members', async () => {
    const all = ['logs:read', 'requests:read', 'members:read', 'members:create'];
    const person = await holderOf(all, { target: onWorkspace() });
    for (const path of ['audit-log', 'requests', 'members']) expect((await person.get(at(path))).status).toBe(403);
    expect((await person.post(at('members'), await aNewcomer())).status).toBe(403);
  });
});

describe('a role that says something of workspaces', () => {
  it.each([
    ['the workspace', () => onWorkspace()],
    ['the tenant', () => onTenant()],
  ])('reads, creates below, changes and deletes them where it is held on %s', async (_where, target) => {
    workspace = await aWorkspace(tenant);
    const path = at(`workspaces/${workspace}`);
    const reader = await holderOf(['workspaces:read'], { target: target() });
    expect((await reader.get(path)).status).toBe(200);
    expect((await done(reader.get(at('workspaces')))).body.items).toContainEqual(
      expect.objectContaining({ id: workspace }),
    );
    const below = { name: uniqueName('below'), parentId: workspace };
    expect((await reader.patch(path, { name: 'x' })).status).toBe(403);
    expect((await reader.delete(path)).status).toBe(403);
    expect((await reader.post(at('workspaces'), below)).status).toBe(404);
    const creator = await holderOf(['workspaces:create'], { target: target() });
    const made = await done(creator.post(at('workspaces'), below));
    expect((await creator.delete(at(`workspaces/${made.body.id}`))).status).toBe(204);
    const manager = await holderOf(['workspaces:update', 'workspaces:delete'], { target: target() });
    expect((await manager.patch(path, { name: uniqueName('renamed') })).status).toBe(200);
    expect((await manager.delete(path)).status).toBe(204);
  });
});

async function assignmentOf(subjectId: string, targetId: string, role: string): Promise<string> {
  const query = `assignments?subjectId=${subjectId}&targetId=${targetId}&role=${role}`;
  return (await done(tenant.owner.get(at(query)))).body.items![0]!.id;
}

describe('who changes members by a role', () => {
  beforeAll(async () => {
    workspace = await aWorkspace(tenant);
  });

  it('changes plain members alone: admins are made, demoted and removed by admins (MG-088, MG-089, MG-091)', async () => {
    const steward = await holderOf(['members:create', 'members:update', 'members:delete', 'members:read']);
    const [admin, plain] = [await aMember(app, tenant, 'admin'), await aMember(app, tenant)];
    const before = await everything(app, tenant);
    for (const answer of [
      await steward.post(at('members'), { userId: plain.id, role: 'admin' }),
      await steward.patch(at(`members/${plain.id}`), { role: 'admin' }),
      await steward.patch(at(`members/${steward.id}`), { role: 'admin' }),
      await steward.post(at('members'), { userId: admin.id, role: 'member' }),
      await steward.patch(at(`members/${admin.id}`), { role: 'member' }),
      await steward.delete(at(`members/${admin.id}`)),
      await steward.delete(at(`assignments/${await assignmentOf(admin.id, tenant.id, 'admin')}`)),
    ]) {
      expect(answer).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    }
    expect(await everything(app, tenant)).toEqual(before);
    expect((await steward.delete(at(`assignments/${await assignmentOf(plain.id, tenant.id, 'member')}`))).status).toBe(
      204,
    );
  });

  it('by members:create alone adds members, and changes none who is there', async () => {
    const [adder, there] = [await holderOf(['members:create']), await aMember(app, tenant)];
    const before = await everything(app, tenant);
    const again = { userId: there.id, role: 'member' };
    expect((await adder.post(at('members'), { ...again, ...anEnd() })).status).toBe(403);
    expect((await adder.post(at('members'), again)).status).toBe(201);
    expect(await everything(app, tenant)).toEqual(before);
    const [here, editor] = [await holderOf(['members:create'], { target: onWorkspace() }), await aMember(app, tenant)];
    await give({ type: 'user', id: editor.id }, 'editor', onWorkspace());
    const members = at(`workspaces/${workspace}/members`);
    expect((await here.post(members, { userId: editor.id, role: 'member' })).status).toBe(403);
    expect((await here.post(members, { userId: there.id, role: 'member' })).status).toBe(201);
  });

  it('gives no membership that they don’t have', async () => {
    const steward = await holderOf(['members:create'], { member: false });
    expect((await steward.post(at('members'), await aNewcomer())).status).toBe(403);
  });

  it('on a workspace gives it to be seen by who sees it, and leaves its admins alone', async () => {
    const members = at(`workspaces/${workspace}/members`);
    const [all, target] = [['members:create', 'members:update', 'members:delete'], onWorkspace()];
    const [here, everywhere] = [await holderOf(all, { target }), await holderOf(all)];
    const [admin, person] = [await aMember(app, tenant), await aUserWithToken(app)];
    await give({ type: 'user', id: admin.id }, 'admin', target);
    for (const role of ['admin', 'editor']) {
      expect((await here.post(members, { userId: person.id, role })).status).toBe(403);
    }
    expect((await here.patch(`${members}/${admin.id}`, { role: 'member' })).status).toBe(403);
    expect((await here.delete(`${members}/${admin.id}`)).status).toBe(403);
    expect((await everywhere.post(members, { userId: person.id, role: 'member' })).status).toBe(404);
    expect((await here.post(members, { userId: person.id, role: 'member' })).status).toBe(201);
    expect((await everywhere.delete(`${members}/${person.id}`)).status).toBe(204);
    const reader = await holderOf(['members:read']);
    expect((await reader.get(members)).status).toBe(200);
  });
});

describe('a token of a service account', () => {
  it('is issued by nobody who holds less than the account (MG-060, MG-079)', async () => {
    const strong = await anAccount();
    const subject = { type: 'service_account', id: strong };
    const issuer = await holderOf(['serviceAccountTokens:create', 'apps:read']);
    const tokens = at(`service-accounts/${strong}/tokens`);
    const { body: role } = await done(
      tenant.owner.post(at('roles'), { name: 'Apps', permissions: ['apps:read', 'apps:delete'] }),
    );
    await give(subject, 'editor', onWorkspace());
    await give(subject, role.id, onTenant());
    expect(await issuer.post(tokens, {})).toMatchObject({
      status: 403,
      body: { code: 'permissions-missing', missing: ['apps:delete', 'edit'] },
    });
    expect((await tenant.owner.get(tokens)).body.items).toEqual([]);
    await done(tenant.owner.patch(at(`roles/${role.id}`), { permissions: ['apps:read'] }));
    await give({ type: 'user', id: issuer.id }, 'editor', onWorkspace());
    expect((await issuer.post(tokens, {})).status).toBe(201);
  });

  it('of a checker of the installation is issued by who checks everything too, or administrates its tenant', async () => {
    const checker = await anAccount();
    const issuer = await holderOf(['serviceAccountTokens:create']);
    const tokens = at(`service-accounts/${checker}/tokens`);
    await done(issuer.post(tokens, { name: 'before' }));
    const made = await done(app.admin.post('/v1/checkers', { subject: { type: 'service_account', id: checker } }));
    expect(await issuer.post(tokens, { name: 'after' })).toMatchObject({
      status: 403,
      body: { code: 'permissions-missing', missing: ['check'] },
    });
    expect((await tenant.owner.post(tokens, { name: 'by its admin' })).status).toBe(201);
    await done(app.admin.post('/v1/checkers', { subject: { type: 'user', id: issuer.id } }));
    expect((await issuer.post(tokens, { name: 'by a checker' })).status).toBe(201);
    expect(made.status).toBe(201);
  });
});
