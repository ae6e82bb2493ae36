import { CommandBus } from '@nestjs/cqrs';
import type { RelayPoint } from '../../apps/relay/relay.js';
import { BY_PROCESS, GrantRole } from '../../libs/assignments/index.js';
import { processContext, toAppend } from '../../libs/event-store/index.js';
import { GrantSystemAdmin } from '../../libs/installation/index.js';
import { replay } from '../../libs/projections/index.js';
import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';
import { until } from '../../libs/testing/until.js';
import {
  aMember,
  type Answered,
  aTenant,
  aUserWithToken,
  aWorkspace,
  consistency,
  done,
  events,
  Gate,
  ifMatch,
  key,
  type Person,
  relationshipsNaming,
  stopChecked,
  tenantEvents,
  type TestTenant,
  UNKNOWN,
} from './world.js';

let app: TestApp;
let tenant: TestTenant;
const gate = new Gate<RelayPoint>();

beforeAll(async () => {
  app = await startTestApp({ at: gate.at });
});

afterAll(async () => {
  gate.open();
  await stopChecked(app);
});

beforeEach(async () => {
  tenant = await aTenant(app);
});

const suspend = ({ id }: Person, headers?: Record<string, string>): Promise<Answered> =>
  app.admin.post(`/v1/users/${id}/suspension`, {}, headers);
const reinstate = ({ id }: Person, headers?: Record<string, string>): Promise<Answered> =>
  app.admin.post(`/v1/users/${id}/reinstatement`, {}, headers);
const give = (workspace: string, { id: userId }: Person, role = 'editor', of = tenant, end: string | null = null) =>
  done(of.owner.post(`${of.path}/workspaces/${workspace}/members`, { userId, role, until: end }));
const heldBy = async ({ id }: Person): Promise<string[]> => (await relationshipsNaming(app, id)).sort();
const context = () => processContext('test', app.runtime.clock, app.runtime.ids);
const typesAbout = async ({ id }: Person, { id: tenantId }: TestTenant): Promise<string[]> =>
  (await tenantEvents(app, tenantId))
    .filter(({ stream, type }) => stream === `user-${id}` && type.startsWith('user-access'))
    .map(({ type }) => type);

describe('suspending a user', () => {
  it('withdraws what they hold in every tenant and their tokens at once; it stays theirs', async () => {
    const other = await aTenant(app);
    const user = await aMember(app, tenant, 'admin');
    await give(await aWorkspace(other), user, 'editor', other);
    await app.app.get(CommandBus).execute(new GrantSystemAdmin(context(), { userId: user.id }));
    const before = await heldBy(user);
    expect(before).toHaveLength(4);

    const suspended = await suspend(user);
    expect(suspended).toMatchObject({ status: 200, body: { id: user.id, status: 'suspended', active: false } });
    expect(suspended.body).toMatchObject({ effective: true, revision: 2 });
    expect(await heldBy(user)).toEqual([]);
    expect(await user.get('/v1/me')).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    const { body } = await tenant.owner.get(`${tenant.path}/members`);
    expect(body.items.map(({ subject, active }: Answered['body']) => [subject.id, active]).sort()).toEqual(
      [
        [tenant.owner.id, true],
        [user.id, false],
      ].sort(),
    );
    expect((await app.admin.get('/v1/users?status=suspended')).body.items).toContainEqual(
      expect.objectContaining({ id: user.id }),
    );

    const reinstated = await reinstate(user);
    expect(reinstated).toMatchObject({ status: 200, body: { status: 'active', active: true, effective: true } });
    expect(await heldBy(user)).toEqual(before);
    expect((await user.get('/v1/me')).body).toMatchObject({ id: user.id, systemAdmin: true });
    for (const place of [tenant, other]) {
      expect(await typesAbout(user, place)).toEqual(['user-access-withdrawn.v1', 'user-access-restored.v1']);
      const { items } = (await place.owner.get(`${place.path}/audit-log?limit=200`)).body;
      const actions = items.map(({ action }: { action: string }) => action);
      expect(actions).toEqual(expect.arrayContaining(['user.access-withdrawn', 'user.access-restored']));
    }
  });

  it('brings back exactly what is still theirs: not what ended or expired meanwhile, but what was given', async () => {
    const user = await aMember(app, tenant);
    const [kept, ended, expiring, given] = await Promise.all([1, 2, 3, 4].map(() => aWorkspace(tenant)));
    await give(kept!, user);
    await give(ended!, user);
    await give(expiring!, user, 'editor', tenant, new Date(Date.now() + 1_500).toISOString());
    await done(suspend(user));
    await done(tenant.owner.delete(`${tenant.path}/workspaces/${ended}/members/${user.id}`));
    const late = await give(given!, user, 'member');
    expect(late.body.roles).toEqual([{ role: 'member', until: null, sources: ['direct'] }]);
    await until(async () =>
      (await tenantEvents(app, tenant.id)).some(({ type, data }) => {
        return type === 'role-ended.v1' && data['reason'] === 'expired';
      }),
    );
    expect(await heldBy(user)).toEqual([]);
    await done(reinstate(user));
    const expected = [`tenant:${tenant.id}#member`, `workspace:${kept}#editor`, `workspace:${given}#member`];
    expect(await heldBy(user)).toEqual(expected.map((relation) => `${relation}@user:${user.id}`).sort());
  });

  it('withdraws a role that the tenant defines, too, and gives it back', async () => {
    const user = await aMember(app, tenant);
    const { body: role } = await done(
      tenant.owner.post(`${tenant.path}/roles`, { name: 'Readers', permissions: ['apps:read'] }),
    );
    const target = { type: 'tenant', id: tenant.id };
    const subject = { type: 'user', id: user.id };
    await done(tenant.owner.post(`${tenant.path}/assignments`, { subject, role: role.id, target }));
    const before = await heldBy(user);
    expect(before).toHaveLength(2);
    await done(suspend(user));
    expect(await heldBy(user)).toEqual([]);
    const question = { subject, resource: target, permission: 'apps:read' };
    const allowed = async () =>
      (await done(tenant.owner.post('/v1/permissions/check', question))).body.allowed as boolean;
    expect(await allowed()).toBe(false);
    await done(reinstate(user));
    expect(await heldBy(user)).toEqual(before);
    expect(await allowed()).toBe(true);
  });

  it('happens once, whoever asks how often, and is answered as the first time to a repeat', async () => {
    const user = await aMember(app, tenant);
    const first = await suspend(user, { ...ifMatch(1), ...key(`suspend-${user.id}`) });
    const both = await Promise.all([suspend(user), suspend(user)]);
    expect(both.map(({ status }) => status)).toEqual([200, 200]);
    expect((await suspend(user, ifMatch(1))).status).toBe(200);
    const back = await Promise.all([reinstate(user), reinstate(user)]);
    expect(back.map(({ body }) => body.status)).toEqual(['active', 'active']);
    const again = await suspend(user, { ...ifMatch(1), ...key(`suspend-${user.id}`) });
    const { token: _token, ...answer } = first.body;
    expect(again).toMatchObject({ status: 200, body: answer });
    expect((await app.admin.get(`/v1/users/${user.id}`)).body).toMatchObject({ status: 'active', revision: 3 });
    expect(await typesAbout(user, tenant)).toEqual(['user-access-withdrawn.v1', 'user-access-restored.v1']);
  });

  it('is for system admins, refused for oneself and the built-in administrator, and for who is not there', async () => {
    const [user, other] = [await aUserWithToken(app), await aUserWithToken(app)];
    for (const path of ['suspension', 'reinstatement']) {
      expect(await user.post(`/v1/users/${other.id}/${path}`)).toMatchObject({ status: 403 });
      expect((await app.as().post(`/v1/users/${other.id}/${path}`)).status).toBe(401);
      expect((await app.admin.post(`/v1/users/${UNKNOWN}/${path}`)).status).toBe(404);
      expect((await app.admin.post(`/v1/users/nonsense/${path}`)).status).toBe(400);
      expect((await app.admin.post(`/v1/users/${other.id}/${path}`, { why: 'x' })).status).toBe(422);
      expect((await app.admin.post(`/v1/users/${other.id}/${path}`, '[')).status).toBe(400);
      expect((await app.admin.get(`/v1/users/${other.id}/${path}`)).status).toBe(405);
    }
    expect((await suspend(other, ifMatch(7))).status).toBe(412);
    await app.app.get(CommandBus).execute(new GrantSystemAdmin(context(), { userId: user.id }));
    await app.settled();
    expect(await user.post(`/v1/users/${user.id}/suspension`)).toMatchObject({
      status: 409,
      body: { code: 'own-suspension' },
    });
    expect(await user.post(`/v1/users/${app.installation.adminUserId}/suspension`)).toMatchObject({
      status: 409,
      body: { code: 'built-in-user' },
    });
    expect((await app.admin.delete(`/v1/users/${other.id}`)).status).toBe(204);
    for (const call of [suspend, reinstate]) expect((await call(other)).body.code).toBe('user-inactive');
    expect((await app.admin.get('/v1/users?status=gone')).status).toBe(400);
  });

  it('keeps the last admin of a tenant, who may do nothing until they are reinstated', async () => {
    expect((await suspend(tenant.owner)).status).toBe(200);
    expect(await heldBy(tenant.owner)).toEqual([]);
    await done(reinstate(tenant.owner));
    expect((await tenant.owner.get(tenant.path)).status).toBe(200);
    expect((await tenant.owner.delete(`${tenant.path}/members/${tenant.owner.id}`)).body.code).toBe('last-admin');
  });

  it('issues no tokens to them, and deactivating them leaves nothing to come back', async () => {
    const user = await aMember(app, tenant);
    await done(suspend(user));
    expect(await app.admin.post(`/v1/users/${user.id}/tokens`, { name: 'x' })).toMatchObject({
      status: 409,
      body: { code: 'user-suspended' },
    });
    expect((await app.admin.delete(`/v1/users/${user.id}`)).status).toBe(204);
    expect((await reinstate(user)).body.code).toBe('user-inactive');
    expect(await heldBy(user)).toEqual([]);
  });
});

describe('a request of somebody who is suspended', () => {
  it('stays pending, and is approved only once they are back; it may be rejected', async () => {
    const user = await aMember(app, tenant);
    const target = { type: 'workspace', id: await aWorkspace(tenant) };
    const ask = async (role: string): Promise<string> =>
      (await done(user.post(`${tenant.path}/requests`, { kind: 'role', role, target }))).body.id;
    const [editor, member] = [await ask('editor'), await ask('member')];
    await done(suspend(user));
    const decide = (id: string, decision: string) =>
      tenant.owner.post(`${tenant.path}/requests/${id}/decision`, { decision });
    expect(await decide(editor, 'approved')).toMatchObject({ status: 409, body: { code: 'requester-suspended' } });
    expect((await tenant.owner.get(`${tenant.path}/requests/${editor}`)).body).toMatchObject({
      status: 'pending',
      requester: { active: false },
    });
    expect(await decide(member, 'rejected')).toMatchObject({ status: 200, body: { status: 'rejected' } });
    await done(reinstate(user));
    expect(await decide(editor, 'approved')).toMatchObject({ status: 200, body: { status: 'approved' } });
    expect(await heldBy(user)).toContain(`workspace:${target.id}#editor@user:${user.id}`);
  });
});

describe('a suspension at the same time as', () => {
  it('P5 a grant leaves them no relationship; all of it is there once they are reinstated', async () => {
    const workspace = await aWorkspace(tenant);
    for (let round = 0; round < 4; round++) {
      const user = await aUserWithToken(app);
      const [suspended] = await Promise.all([
        suspend(user),
        give(workspace, user),
        done(tenant.owner.post(`${tenant.path}/members`, { userId: user.id, role: 'member' })),
      ]);
      expect(suspended.status).toBe(200);
      expect(await heldBy(user)).toEqual([]);
      await done(reinstate(user));
      await until(async () => (await heldBy(user)).length === 2);
    }
  });

  it('a reinstatement has one outcome, in SpiceDB as on the record', async () => {
    const user = await aMember(app, tenant);
    for (let round = 0; round < 4; round++) {
      const answers = await Promise.all([suspend(user), reinstate(user), suspend(user), reinstate(user)]);
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
      const { status } = (await app.admin.get(`/v1/users/${user.id}`, consistency(answers.at(-1)!))).body;
      await until(async () => (await heldBy(user)).length === (status === 'active' ? 1 : 0));
    }
  });

  it('the deletion of a tenant brings nothing back there', async () => {
    const user = await aMember(app, tenant);
    await done(suspend(user));
    const [deleted, reinstated] = await Promise.all([tenant.owner.delete(tenant.path), reinstate(user)]);
    expect([deleted.status, reinstated.status]).toEqual([204, 200]);
    await until(async () => (await tenantEvents(app, tenant.id)).some(({ type }) => type === 'tenant-deleted.v1'));
    expect(await heldBy(user)).toEqual([]);
    expect((await user.get('/v1/me')).status).toBe(200);
  });
});

describe('a reinstatement', () => {
  it('says that it is not effective yet where the relay is behind, which completes it', async () => {
    const user = await aMember(app, tenant);
    const before = await heldBy(user);
    await done(suspend(user));
    gate.hold('in-transaction');
    const reinstated = await reinstate(user);
    expect(reinstated).toMatchObject({ status: 200, body: { status: 'active', effective: false } });
    gate.open();
    await until(async () => (await heldBy(user)).length > 0);
    expect(await heldBy(user)).toEqual(before);
    expect(await typesAbout(user, tenant)).toEqual(['user-access-withdrawn.v1', 'user-access-restored.v1']);
  });

  it('P6 of who holds much comes in events of 900 relationships, each visible as a whole', async () => {
    const user = await aMember(app, tenant);
    await holdMuch(user, 1_000);
    await done(suspend(user));
    expect(await heldBy(user)).toEqual([]);
    await done(reinstate(user));
    await until(async () => (await heldBy(user)).length === 1_001);
    const restored = (await events(app)).filter(
      ({ stream, type }) => stream === `user-${user.id}` && type === 'user-access-restored.v1',
    );
    expect(restored.map(({ data }) => [data['most'], data['more']])).toEqual([
      [900, true],
      [900, false],
    ]);
  });

  async function holdMuch(user: Person, workspaces: number): Promise<void> {
    const { log, ids, clock } = app.runtime;
    const stream = `workspaces-${tenant.id}`;
    const created = Array.from({ length: workspaces }, (_, number) => ({
      type: 'workspace-created.v1',
      data: {
        ...{ workspaceId: ids.ulid(clock.now()), tenantId: tenant.id, name: `much ${number}`, creatorId: null },
        ...{ parentId: tenant.rootId, at: clock.now().toISOString() },
      },
    }));
    const revision = (await log.readStream(stream)).at(-1)!.revision;
    await log.append(stream, revision, toAppend(stream, created, context(), tenant.id));
    const rest = created.map(({ data }) => data.workspaceId);
    const bus = app.app.get(CommandBus);
    const work = async (): Promise<void> => {
      for (let id = rest.pop(); id !== undefined; id = rest.pop()) {
        const key = { tenantId: tenant.id, subject: { type: 'user' as const, id: user.id } };
        const role = { role: 'member' as const, source: 'direct', until: null, giver: BY_PROCESS };
        await bus.execute(new GrantRole(context(), { ...key, target: { type: 'workspace', id }, ...role }));
      }
    };
    await Promise.all(Array.from({ length: 32 }, work));
    await app.settled();
  }
});

it('P9 a replay gives the same relationships, with some withdrawn and some restored', async () => {
  const [suspended, back] = [await aMember(app, tenant), await aMember(app, tenant, 'admin')];
  for (const user of [suspended, back]) await done(suspend(user));
  await done(reinstate(back));
  await app.settled();
  const { pool, log, domain } = app.runtime;
  const models = domain.readModels.filter(({ name }) => name === 'users');
  const report = await replay({ pool, log, registry: domain.registry, models, relationships: domain.relationships });
  expect(report.tables.map(({ onlyLive, onlyRebuilt, changed }) => onlyLive + onlyRebuilt + changed)).toEqual(
    report.tables.map(() => 0),
  );
});
