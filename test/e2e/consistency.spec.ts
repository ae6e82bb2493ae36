import type { RelayPoint } from '../../apps/relay/relay.js';
import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';
import { until } from '../../libs/testing/until.js';
import {
  type Answered,
  aTenant,
  aUserWithToken,
  aWorkspace,
  consistency,
  done,
  Gate,
  type TestTenant,
  stopChecked,
} from './world.js';

let app: TestApp;
let tenant: TestTenant;
let workspace: string;
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
  workspace = await aWorkspace(tenant);
});

afterEach(async () => {
  gate.open();
  await app.settled();
});

const add = (userId: string, headers?: Record<string, string>): Promise<Answered> =>
  done(tenant.owner.post(`${tenant.path}/workspaces/${workspace}/members`, { userId, role: 'editor' }, headers));
const mayEdit = { resource: { type: 'workspace', id: '' }, permission: 'edit' };
const check = (by: { post: TestTenant['owner']['post'] }, headers?: Record<string, string>): Promise<Answered> =>
  by.post('/v1/permissions/check', { ...mayEdit, resource: { type: 'workspace', id: workspace } }, headers);

describe('X-002 what was answered works', () => {
  it('at once for the other person, without a token: commands wait for their effect', async () => {
    for (let round = 0; round < 5; round++) {
      const person = await aUserWithToken(app);
      expect((await add(person.id)).body.effective).toBe(true);
      expect((await check(person)).body).toEqual({ allowed: true });
      expect((await person.get(`${tenant.path}/workspaces/${workspace}`)).status).toBe(200);
      expect((await tenant.owner.delete(`${tenant.path}/workspaces/${workspace}/members/${person.id}`)).status).toBe(
        204,
      );
      expect((await check(person)).body).toEqual({ allowed: false });
    }
  });

  it('with its token, though the command did not wait', async () => {
    for (let round = 0; round < 5; round++) {
      const person = await aUserWithToken(app);
      const added = await add(person.id, { prefer: 'wait=0' });
      expect((await check(person, consistency(added))).body).toEqual({ allowed: true });
      const path = `${tenant.path}/workspaces/${workspace}/members/${person.id}`;
      const removed = await tenant.owner.delete(path, { prefer: 'respond-async' });
      expect((await check(person, consistency(removed))).body).toEqual({ allowed: false });
    }
  });
});

describe('Prefer: wait', () => {
  it('of 0 answers at once that it is not effective yet', async () => {
    gate.hold('before-delivery');
    const body = { name: 'held', parentId: tenant.rootId };
    const added = await tenant.owner.post(`${tenant.path}/workspaces`, body, { prefer: 'wait=0' });
    expect(added).toMatchObject({ status: 201, body: { effective: false } });
    expect(added.headers.get('preference-applied')).toBe('wait=0');
  });

  it('of a while answers as soon as it is effective', async () => {
    const person = await aUserWithToken(app);
    gate.hold('before-delivery');
    const adding = add(person.id, { prefer: 'wait=20' });
    await until(async () => (await app.runtime.log.head()) === app.runtime.progress.projected);
    gate.open();
    const added = await adding;
    expect(added.body.effective).toBe(true);
    expect(added.headers.get('preference-applied')).toBe('wait=20');
  });
});

describe('a read with a token', () => {
  it('that can’t be read yet waits for it', async () => {
    const { owner, path } = tenant;
    gate.hold('in-transaction');
    const renamed = await done(owner.patch(path, { name: `${tenant.name} new` }, { prefer: 'wait=0' }));
    expect((await owner.get(path)).body.name).toBe(tenant.name);
    const reading = owner.get(path, consistency(renamed));
    gate.open();
    expect((await reading).body.name).toBe(`${tenant.name} new`);
  });

  it('is answered 503 with Retry-After, never with old data, when it takes too long', async () => {
    const { owner, path } = tenant;
    gate.hold('in-transaction');
    const renamed = await done(owner.patch(path, { name: `${tenant.name} new` }, { prefer: 'wait=0' }));
    const answer = await owner.get(path, consistency(renamed));
    expect(answer).toMatchObject({ status: 503, body: { code: 'not-yet' } });
    expect(answer.headers.get('retry-after')).toBe('1');
  });

  it.each(['', 'nonsense', 'a.b', `${'x'.repeat(60)}.${'y'.repeat(43)}`])(
    'that is malformed is answered 400: "%s"',
    async (token) => {
      for (const path of [tenant.path, '/v1/tenants', '/v1/me']) {
        const answer = await tenant.owner.get(path, { 'consistency-token': token });
        expect(answer).toMatchObject({ status: 400, body: { code: 'malformed-token' } });
      }
    },
  );

  it('that was changed is answered 400', async () => {
    const token = (await add(app.installation.adminUserId)).body.token as string;
    const changed = token.replace(/^./, (first) => (first === 'f' ? 'e' : 'f'));
    expect((await tenant.owner.get(tenant.path, { 'consistency-token': changed })).status).toBe(400);
  });

  it('holds in the body what the header says', async () => {
    const added = await add(app.installation.adminUserId);
    expect(added.body.token).toBe(added.headers.get('consistency-token'));
  });
});

describe('commands', () => {
  it('that change access are answered 503 while it is unknown what holds, others are accepted', async () => {
    const person = await aUserWithToken(app);
    gate.hold('before-delivery');
    await done(
      tenant.owner.post(`${tenant.path}/workspaces`, { name: 'x', parentId: tenant.rootId }, { prefer: 'wait=0' }),
    );
    const answer = await tenant.owner.post(`${tenant.path}/members`, { userId: person.id, role: 'member' });
    expect(answer).toMatchObject({ status: 503, body: { code: 'not-yet' } });
    expect(answer.headers.get('retry-after')).toBe('1');
  });

  it('a token is exchanged for one of SpiceDB', async () => {
    const person = await aUserWithToken(app);
    const added = await add(person.id, { prefer: 'wait=0' });
    const { body } = await done(tenant.owner.post('/v1/consistency', { token: added.body.token }));
    const asked = { resource: `workspace:${workspace}`, permission: 'edit', subject: `user:${person.id}` };
    expect(await app.runtime.spicedb.check(asked, { atLeast: body.zedToken as string })).toBe(true);
    expect((await tenant.owner.post('/v1/consistency', { token: 'nonsense' })).status).toBe(400);
    expect((await tenant.owner.post('/v1/consistency', {})).status).toBe(422);
  });
});
