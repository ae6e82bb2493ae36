import { randomUUID } from 'node:crypto';
import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';
import { until } from '../../libs/testing/until.js';
import {
  aMember,
  type Answered,
  aRole,
  aTenant,
  aUserWithToken,
  aWorkspace,
  checkedApp,
  consistency,
  done,
  key,
  tenantEvents,
  type TestTenant,
  uniqueName,
} from './world.js';
import { calledTwice, type KeyedCall } from './called-twice.js';

let app: TestApp;
let tenant: TestTenant;

checkedApp(async () => (app = await startTestApp()));

beforeEach(async () => {
  tenant = await aTenant(app);
});

const newKey = (): Record<string, string> => key(randomUUID());
const twice = (call: KeyedCall, between?: () => Promise<unknown>): Promise<Answered> =>
  calledTwice(async () => (await tenantEvents(app, tenant.id)).length, call, between);

describe('P2 X-009 a command that is repeated with its Idempotency-Key has one effect and gives its first answer', () => {
  it('creating a tenant', async () => {
    const { owner } = tenant;
    const name = uniqueName('once');
    const first = await twice((headers) => owner.post('/v1/tenants', { name }, headers));
    expect((await owner.get(`/v1/tenants?name=${encodeURIComponent(name)}`)).body.items).toHaveLength(1);
    await done(owner.patch(`/v1/tenants/${first.body.id as string}`, { name: uniqueName('later') }));
  });

  it('creating a tenant that has another name by now', async () => {
    const { owner } = tenant;
    const headers = newKey();
    const first = await done(owner.post('/v1/tenants', { name: uniqueName('once') }, headers));
    const body = { name: first.body.name };
    await done(owner.patch(`/v1/tenants/${first.body.id as string}`, { name: uniqueName('later') }));
    expect((await owner.post('/v1/tenants', body, headers)).body).toEqual(first.body);
  });

  it('renaming a tenant, at the first answer’s revision', async () => {
    const { owner, path } = tenant;
    const first = await twice(
      (headers) => owner.patch(path, { name: `${tenant.name} renamed` }, headers),
      () => done(owner.patch(path, { name: uniqueName('later') })),
    );
    expect(first.body).toMatchObject({ name: `${tenant.name} renamed`, revision: 2 });
  });

  it('setting requestable roles', async () => {
    const { owner, path } = tenant;
    await twice(
      (headers) => owner.put(`${path}/requestable-roles`, { items: [] }, headers),
      () => done(owner.put(`${path}/requestable-roles`, { items: ['tenant:admin'] })),
    );
  });

  it('creating and changing a workspace, also when it is gone by now', async () => {
    const { owner, path, rootId } = tenant;
    const created = await twice((headers) =>
      owner.post(`${path}/workspaces`, { name: 'w', parentId: rootId }, headers),
    );
    const workspace = `${path}/workspaces/${created.body.id as string}`;
    await twice(
      (headers) => owner.patch(workspace, { name: 'changed' }, headers),
      () => done(owner.patch(workspace, { name: 'later' })),
    );
    await twice(
      (headers) => owner.patch(workspace, { name: 'last' }, headers),
      () => done(owner.delete(workspace)),
    );
  });

  it('adding a tenant member who was removed by now', async () => {
    const { owner, path } = tenant;
    const user = await aUserWithToken(app);
    await twice(
      (headers) => owner.post(`${path}/members`, { userId: user.id, role: 'member' }, headers),
      () => done(owner.delete(`${path}/members/${user.id}`)),
    );
    expect((await user.get(path)).status).toBe(404);
  });

  it('adding a plain member who is an admin by now', async () => {
    const { owner, path } = tenant;
    const user = await aUserWithToken(app);
    await twice(
      (headers) => owner.post(`${path}/members`, { userId: user.id, role: 'member' }, headers),
      () => done(owner.patch(`${path}/members/${user.id}`, { role: 'admin' })),
    );
    expect((await user.get(`${path}/members`)).status).toBe(200);
  });

  it('promoting a member who was demoted by now, and demoting one who was promoted', async () => {
    const { owner, path } = tenant;
    const user = await aMember(app, tenant);
    const member = `${path}/members/${user.id}`;
    await twice(
      (headers) => owner.patch(member, { role: 'admin' }, headers),
      () => done(owner.patch(member, { role: 'member' })),
    );
    await done(owner.patch(member, { role: 'admin' }));
    await twice(
      (headers) => owner.patch(member, { role: 'member' }, headers),
      () => done(owner.patch(member, { role: 'admin' })),
    );
  });

  it('changing a member who is gone by now', async () => {
    const { owner, path } = tenant;
    const user = await aMember(app, tenant);
    const members = `${path}/workspaces/${await aWorkspace(tenant)}/members`;
    await done(owner.post(members, { userId: user.id, role: 'member' }));
    await twice(
      (headers) => owner.patch(`${members}/${user.id}`, { role: 'editor' }, headers),
      () => done(owner.delete(`${path}/members/${user.id}`)),
    );
  });

  it('giving a role on a workspace to somebody who has another one by now, or who was deactivated', async () => {
    const { owner, path } = tenant;
    const user = await aUserWithToken(app);
    const members = `${path}/workspaces/${await aWorkspace(tenant)}/members`;
    await twice(
      (headers) => owner.post(members, { userId: user.id, role: 'editor' }, headers),
      () => done(owner.patch(`${members}/${user.id}`, { role: 'admin' })),
    );
    await twice(
      (headers) => owner.post(members, { userId: user.id, role: 'member' }, headers),
      () => done(app.admin.delete(`/v1/users/${user.id}`)),
    );
  });

  it('removing a plain member who is an admin by now', async () => {
    const { owner, path } = tenant;
    const user = await aMember(app, tenant);
    await twice(
      (headers) => owner.delete(`${path}/members/${user.id}`, headers),
      () => done(owner.post(`${path}/members`, { userId: user.id, role: 'admin' })),
    );
    expect((await user.get(`${path}/members`)).status).toBe(200);
  });

  it('removing an admin who is one again by now', async () => {
    const { owner, path } = tenant;
    const user = await aMember(app, tenant, 'admin');
    await twice(
      (headers) => owner.delete(`${path}/members/${user.id}`, headers),
      () => done(owner.post(`${path}/members`, { userId: user.id, role: 'admin' })),
    );
    expect((await user.get(`${path}/members`)).status).toBe(200);
  });

  it('removing a member of a workspace who is one again by now', async () => {
    const { owner, path } = tenant;
    const user = await aUserWithToken(app);
    const members = `${path}/workspaces/${await aWorkspace(tenant)}/members`;
    await done(owner.post(members, { userId: user.id, role: 'editor' }));
    await twice(
      (headers) => owner.delete(`${members}/${user.id}`, headers),
      () => done(owner.post(members, { userId: user.id, role: 'editor' })),
    );
  });

  it('removing an assignment', async () => {
    const { owner, path } = tenant;
    const user = await aMember(app, tenant);
    const { body } = await done(owner.get(`${path}/assignments?subjectId=${user.id}`));
    await twice((headers) => owner.delete(`${path}/assignments/${body.items![0]!.id as string}`, headers));
  });

  it('giving a role until a time that has come by now', async () => {
    const { owner, path, id } = tenant;
    const user = await aMember(app, tenant);
    const subject = { type: 'user', id: user.id };
    const soon = () => new Date(Date.now() + 4_000).toISOString();
    const ended = ({ role }: { role: string }) =>
      until(async () => {
        const endings = (await tenantEvents(app, id)).filter(({ type }) => type === 'role-ended.v1');
        return endings.some(({ data }) => data['role'] === role && data['reason'] === 'expired');
      });
    const given = { role: await aRole(tenant), until: soon() };
    const assigned = { subject, target: { type: 'tenant', id }, ...given };
    await twice(
      (headers) => owner.post(`${path}/assignments`, assigned, headers),
      () => ended(given),
    );
    const member = { role: await aRole(tenant), until: soon() };
    await twice(
      (headers) => owner.patch(`${path}/members/${user.id}`, member, headers),
      () => ended(member),
    );
    expect((await owner.post(`${path}/assignments`, assigned, newKey())).body).toMatchObject({ code: 'until-passed' });
  });

  it('giving and asking for a role by a name that it has no more', async () => {
    const { owner, path, id } = tenant;
    const user = await aMember(app, tenant);
    const role = await aRole(tenant, 'first');
    const rename = (name: string) => () => done(owner.patch(`${path}/roles/${role}`, { name }));
    const asked = { kind: 'role', role: 'first', target: { type: 'tenant', id } };
    await twice((headers) => user.post(`${path}/requests`, asked, headers), rename('second'));
    const members = `${path}/members`;
    await twice((headers) => owner.post(members, { userId: user.id, role: 'second' }, headers), rename('third'));
    await aRole(tenant, 'second');
    const assigned = {
      subject: { type: 'user', id: user.id },
      role: 'third',
      target: { type: 'workspace', id: tenant.rootId },
    };
    await twice((headers) => owner.post(`${path}/assignments`, assigned, headers), rename('fourth'));
  });

  it('withdrawing a request, and revoking one’s own grant, by who may do nothing there any more', async () => {
    const { owner, path } = tenant;
    const user = await aMember(app, tenant);
    const requests = `${path}/requests`;
    const target = { type: 'workspace', id: await aWorkspace(tenant) };
    const ask = async (role: string) => (await done(user.post(requests, { kind: 'role', role, target }))).body.id;
    const withdrawn = `${requests}/${await ask('editor')}/withdrawal`;
    await done(owner.put(`${path}/requestable-roles`, { items: ['workspace:admin'] }));
    const granted = await ask('admin');
    await done(owner.post(`${requests}/${granted}/decision`, { decision: 'approved' }));
    await twice((headers) => user.post(`${requests}/${granted}/revocation`, { note: 'over' }, headers));
    await twice(
      (headers) => user.post(withdrawn, {}, headers),
      () => done(owner.delete(`${path}/members/${user.id}`)),
    );
  });

  it('revoking what a note was added to since', async () => {
    const { owner, path, id } = tenant;
    const user = await aMember(app, tenant);
    const asked = { kind: 'role', role: await aRole(tenant), target: { type: 'tenant', id } };
    const { body } = await done(user.post(`${path}/requests`, asked));
    const request = `${path}/requests/${body.id}`;
    await done(owner.post(`${request}/decision`, { decision: 'approved' }));
    const first = await twice(
      (headers) => owner.post(`${request}/revocation`, {}, headers),
      () => done(owner.post(`${request}/revocation`, { note: 'over' })),
    );
    expect(first.body).toMatchObject({ revision: 3, revocationNote: null });
    expect((await owner.get(request)).body).toMatchObject({ revision: 4, revocationNote: 'over' });
  });

  it('deleting a workspace', async () => {
    const { owner, path } = tenant;
    const workspace = `${path}/workspaces/${await aWorkspace(tenant)}`;
    await twice((headers) => owner.delete(workspace, headers));
    expect((await owner.delete(workspace, newKey())).status).toBe(404);
  });

  it('deleting a tenant', async () => {
    const { owner, path } = tenant;
    await twice((headers) => owner.delete(path, headers));
    expect((await owner.delete(path, newKey())).status).toBe(404);
  });

  it('leaving a tenant, or less of a workspace, though the caller may do nothing there any more', async () => {
    const { owner, path, id } = tenant;
    const admin = await aMember(app, tenant, 'admin');
    const { body } = await done(owner.get(`${path}/assignments?subjectId=${admin.id}&targetId=${id}`));
    await twice((headers) => admin.delete(`${path}/assignments/${body.items[0].id}`, headers));
    const other = await aMember(app, tenant);
    const own = {
      subject: { type: 'user', id: other.id },
      target: { type: 'workspace', id: await aWorkspace(tenant) },
    };
    await done(owner.post(`${path}/assignments`, { ...own, role: 'admin' }));
    await twice((headers) => other.post(`${path}/assignments`, { ...own, role: 'member' }, headers));
  });

  it('registering, changing and deactivating a user', async () => {
    const first = await twice((headers) => app.admin.post('/v1/users', { displayName: 'Once' }, headers));
    const path = `/v1/users/${first.body.id as string}`;
    await twice(
      (headers) => app.admin.patch(path, { displayName: 'Twice' }, headers),
      () => done(app.admin.patch(path, { displayName: 'Later' })),
    );
    await twice((headers) => app.admin.delete(path, headers));
  });
});

describe('P2 an Idempotency-Key', () => {
  it('sent many times at once has one effect, and all get its answer', async () => {
    const { owner, path, rootId } = tenant;
    const headers = newKey();
    const calls = Array.from({ length: 8 }, () =>
      owner.post(`${path}/workspaces`, { name: 'at once', parentId: rootId }, headers),
    );
    const answers = await Promise.all(calls);
    for (const { status, body } of answers) expect({ status, body }).toEqual({ status: 201, body: answers[0]!.body });
    const types = (await tenantEvents(app, tenant.id)).map(({ type }) => type);
    expect(types.filter((type) => type === 'workspace-created.v1')).toHaveLength(2);
  });

  it('with another body or on another route is refused with 422', async () => {
    const { owner, path, rootId } = tenant;
    const headers = newKey();
    await done(owner.post(`${path}/workspaces`, { name: 'a', parentId: rootId }, headers));
    for (const answer of [
      await owner.post(`${path}/workspaces`, { name: 'b', parentId: rootId }, headers),
      await owner.patch(path, { name: 'a' }, headers),
      await owner.delete(path, headers),
    ]) {
      expect(answer).toMatchObject({ status: 422, body: { code: 'idempotency-key-reused' } });
    }
    const reordered = `{ "parentId": "${rootId}", "name": "a" }`;
    expect((await owner.post(`${path}/workspaces`, reordered, headers)).status).toBe(201);
  });

  it('is each caller’s and each tenant’s own', async () => {
    const headers = newKey();
    const [member, other] = [await aMember(app, tenant), await aTenant(app, { owner: tenant.owner })];
    const create = (by: typeof member, { path, rootId }: TestTenant, name: string) =>
      by.post(`${path}/workspaces`, { name, parentId: rootId }, headers);
    const answers = [
      await create(tenant.owner, tenant, 'a'),
      await create(member, tenant, 'b'),
      await create(tenant.owner, other, 'c'),
    ];
    expect(answers.map(({ status, body }) => [status, body.name])).toEqual([
      [201, 'a'],
      [201, 'b'],
      [201, 'c'],
    ]);
  });

  it('of a call that was refused may be sent again, and has its effect then', async () => {
    const { owner, path, rootId } = tenant;
    const headers = newKey();
    const blocking = await aWorkspace(tenant, { name: 'blocked' });
    const call = () => owner.post(`${path}/workspaces`, { name: 'blocked', parentId: rootId }, headers);
    expect((await call()).status).toBe(409);
    await done(owner.delete(`${path}/workspaces/${blocking}`));
    expect((await call()).status).toBe(201);
  });

  it('gives no right: who may not do it is refused, whatever key somebody else used', async () => {
    const { owner, path } = tenant;
    const headers = newKey();
    const member = await aMember(app, tenant);
    await done(owner.put(`${path}/requestable-roles`, { items: [] }, headers));
    expect((await member.put(`${path}/requestable-roles`, { items: [] }, headers)).status).toBe(403);
    const refused = newKey();
    for (let i = 0; i < 2; i++) {
      expect((await member.put(`${path}/requestable-roles`, { items: [] }, refused)).status).toBe(403);
    }
  });

  it('shows what is secret the first time alone', async () => {
    const { owner } = tenant;
    const headers = newKey();
    const first = await done(owner.post('/v1/me/tokens', { name: 'secret' }, headers));
    const second = await owner.post('/v1/me/tokens', { name: 'secret' }, headers);
    expect(first.body.secret).toMatch(/^csn_pat_/);
    expect(second).toMatchObject({ status: 201, body: { ...first.body, secret: null } });
    expect((await owner.get('/v1/me/tokens', consistency(first))).body.items).toHaveLength(2);
  });

  it.each(['', 'a b', 'x'.repeat(256), 'ü'])('that is malformed is answered 400: "%s"', async (value) => {
    const { owner, path } = tenant;
    const answer = await owner.patch(path, { name: uniqueName('x') }, { 'idempotency-key': value });
    expect(answer).toMatchObject({ status: 400, body: { code: 'malformed-call' } });
  });
});
