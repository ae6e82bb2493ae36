import { readFile } from 'node:fs/promises';
import { type EmbeddedSpiceDb, projectPath, startEmbeddedSpiceDb } from '../../libs/embedded/index.js';
import { MARK_TYPE } from '../../libs/outbox/index.js';
import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';
import { until } from '../../libs/testing/until.js';
import { aTenant, aUserWithToken, StandIns } from './world.js';

let app: TestApp;
let tenant: Awaited<ReturnType<typeof aTenant>>;
let stranger: Awaited<ReturnType<typeof aUserWithToken>>;
let fresh: EmbeddedSpiceDb | undefined;
const standIns = new StandIns();

beforeAll(async () => {
  app = await startTestApp();
  tenant = await aTenant(app);
  stranger = await aUserWithToken(app);
  await app.settled();
  await app.relay.stop();
});
afterEach(() => standIns.takeBack());
afterAll(async () => {
  await app.stop();
  await fresh?.stop();
});

/** Counts readings of the mark. */
function readings(): { count: number } {
  const { spicedb } = app.runtime;
  const readAll = spicedb.readAll.bind(spicedb);
  const counted = { count: 0 };
  standIns.put(spicedb, 'readAll', (type: string, ...rest: string[]) => {
    if (type === MARK_TYPE) counted.count++;
    return readAll(type, ...rest);
  });
  return counted;
}

/** In its place another one that holds nothing, as after a loss of its datastore. */
async function replaced(): Promise<EmbeddedSpiceDb> {
  const { presharedKey, endpoint } = app.spicedb;
  await app.spicedb.stop();
  const fresh = await startEmbeddedSpiceDb({ presharedKey, port: Number(endpoint.split(':')[1]) });
  await fresh.open();
  await until(() =>
    app.runtime.spicedb.readSchema().then(
      () => true,
      () => false,
    ),
  );
  return fresh;
}

describe('P11 a SpiceDB that was emptied', () => {
  it('costs who is told yes nothing to tell from one that says no, and who is told no one reading', async () => {
    const counted = readings();
    expect((await tenant.owner.get(tenant.path)).status).toBe(200);
    expect(counted.count).toBe(0);
    expect((await stranger.get(tenant.path)).status).toBe(404);
    expect(counted.count).toBe(1);
    expect((await stranger.get('/v1/users')).status).toBe(403);
    expect((await stranger.get('/v1/tenants')).body.items).toEqual([]);
    expect(counted.count).toBe(3);
  });

  it('is told with 503 from the first call on, also before a relay has noticed', async () => {
    const check = (id: string) => ({ resource: { type: 'tenant', id }, permission: 'view' });
    fresh = await replaced();
    const { spicedb, progress } = app.runtime;
    // First without a schema, then with it.
    expect((await tenant.owner.get(tenant.path)).status).toBe(503);
    await spicedb.writeSchema(await readFile(projectPath('schema.zed'), 'utf8'));
    progress.requireSound();
    for (const answer of [
      await tenant.owner.get(tenant.path),
      await tenant.owner.get('/v1/tenants'),
      await tenant.owner.patch(tenant.path, { name: 'other' }),
      await tenant.owner.get(`${tenant.path}/workspaces`),
      await tenant.owner.post('/v1/permissions/check', check(tenant.id)),
      await app.admin.get('/v1/users'),
    ]) {
      expect(answer).toMatchObject({ status: 503, body: { code: 'dependency-unavailable' } });
    }
  });
});
