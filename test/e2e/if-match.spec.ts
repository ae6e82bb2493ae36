import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';
import {
  aMember,
  aRole,
  aServiceAccount,
  aTenant,
  aWorkspace,
  done,
  type Person,
  stopChecked,
  type TestTenant,
  uniqueName,
} from './world.js';

let app: TestApp;
let tenant: TestTenant;
let member: Person;

beforeAll(async () => {
  app = await startTestApp();
  tenant = await aTenant(app);
  member = await aMember(app, tenant);
});

afterAll(async () => {
  await stopChecked(app);
});

interface Case {
  path: string;
  change: object;
  as?: Person;
  method?: 'patch' | 'put';
}

/** Reads, changes with what was read, and tries the same again. */
async function readAndChange({ path, change, as = tenant.owner, method = 'patch' }: Case) {
  const read = await done(as.get(path));
  const etag = read.headers.get('etag');
  const { revision } = read.body;
  const headers = { 'if-match': etag! };
  const changed = await as[method](path, change, headers);
  const again = await as[method](path, change, headers);
  return { etag, revision, changed: changed.status, again: [again.status, again.body.code] };
}

const told = { etag: expect.stringMatching(/^"\d+"$/), changed: 200, again: [412, 'stale-revision'] };

describe('what was read is changed with its ETag in If-Match, unless somebody else changed it since', () => {
  it('of a tenant, and of what may be requested in it', async () => {
    const { owner, path } = await aTenant(app);
    expect(await readAndChange({ path, change: { name: uniqueName('named') }, as: owner })).toMatchObject(told);
    const requestable = { path: `${path}/requestable-roles`, change: { items: [] }, method: 'put', as: owner } as const;
    expect(await readAndChange(requestable)).toMatchObject(told);
  });

  it('of workspaces, roles and service accounts', async () => {
    const paths = [
      `${tenant.path}/workspaces/${await aWorkspace(tenant)}`,
      `${tenant.path}/roles/${await aRole(tenant)}`,
      (await aServiceAccount(app, tenant)).path,
    ];
    for (const path of paths) {
      expect(await readAndChange({ path, change: { name: uniqueName('named') } })).toMatchObject(told);
    }
  });

  it('of users, and of oneself', async () => {
    for (const path of [`/v1/users/${member.id}`, '/v1/me']) {
      const change = { displayName: uniqueName('named') };
      expect(await readAndChange({ path, change, as: member })).toMatchObject(told);
    }
    const robot = await aServiceAccount(app, tenant);
    const { body, headers } = await done(robot.get('/v1/me'));
    expect([body.revision, headers.get('etag')]).toEqual([null, null]);
  });

  it('of members of a tenant and of a workspace, plain and admin', async () => {
    const workspaceId = await aWorkspace(tenant);
    await done(
      tenant.owner.post(`${tenant.path}/workspaces/${workspaceId}/members`, { userId: member.id, role: 'member' }),
    );
    for (const members of [`${tenant.path}/members`, `${tenant.path}/workspaces/${workspaceId}/members`]) {
      const path = `${members}/${member.id}`;
      for (const role of ['admin', 'member']) {
        expect(await readAndChange({ path, change: { role } })).toMatchObject(told);
      }
    }
  });

  it('of a request that is decided', async () => {
    const asked = { kind: 'role', role: 'editor', target: { type: 'workspace', id: tenant.rootId } };
    const { body } = await done(member.post(`${tenant.path}/requests`, asked));
    const path = `${tenant.path}/requests/${body.id}`;
    const { headers } = await done(tenant.owner.get(path));
    expect(headers.get('etag')).toBe('"1"');
    const stale = await tenant.owner.post(`${path}/decision`, { decision: 'approved' }, { 'if-match': '"2"' });
    expect(stale.body.code).toBe('stale-revision');
    const decision = { decision: 'approved' };
    await done(tenant.owner.post(`${path}/decision`, decision, { 'if-match': headers.get('etag')! }));
  });
});
