import { processContext } from '../../libs/event-store/index.js';
import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';
import { until } from '../../libs/testing/until.js';
import { repairRelationships } from '../../libs/verification/index.js';
import { aTenant, aUserWithToken, aWorkspace, checkedApp, done } from './world.js';

let app: TestApp;

checkedApp(async () => (app = await startTestApp()));

it('P11 a SpiceDB that was restored to an earlier time is not asked until it is repaired, and then answers again', async () => {
  const { spicedb, log, pool, domain, clock, ids } = app.runtime;
  const tenant = await aTenant(app);
  const workspace = `${tenant.path}/workspaces/${await aWorkspace(tenant)}`;
  const revoked = await aUserWithToken(app);
  await done(tenant.owner.post(`${workspace}/members`, { userId: revoked.id, role: 'editor' }));
  const backup = [];
  for (const type of ['relay_mark', 'system', 'tenant', 'workspace']) {
    for await (const page of spicedb.readAll(type)) backup.push(...page.map((tuple) => ({ type, ...tuple })));
  }
  expect((await tenant.owner.delete(`${workspace}/members/${revoked.id}`)).status).toBe(204);
  expect((await revoked.get(workspace)).status).toBe(404);

  for await (const page of spicedb.readAll('relay_mark')) {
    await spicedb.write(page.map(({ tuple }) => ({ operation: 'delete', tuple, expiresAt: null })));
  }
  await spicedb.write(backup.map(({ tuple, expiresAt }) => ({ operation: 'touch', tuple, expiresAt })));
  // Whatever is to be delivered next tells.
  await app.admin.post('/v1/users', { displayName: 'Late' }, { prefer: 'wait=0' });
  await revoked.post('/v1/tenants', { name: 'late' }, { prefer: 'wait=0' });
  await until(async () => (await app.as().get('/readyz')).status === 503);
  expect(await revoked.get(workspace)).toMatchObject({ status: 503, body: { code: 'dependency-unavailable' } });
  expect((await tenant.owner.get(tenant.path)).status).toBe(503);
  const check = { resource: { type: 'tenant', id: tenant.id }, permission: 'view' };
  expect((await tenant.owner.post('/v1/permissions/check', check)).status).toBe(503);
  expect((await app.as().get('/healthz')).status).toBe(200);

  const context = processContext('test', clock, ids);
  await repairRelationships({ log, pool, spicedb, domain, partition: 0, context });
  await until(async () => (await app.as().get('/readyz')).status === 200);
  expect((await revoked.get(workspace)).status).toBe(404);
  expect((await tenant.owner.get(tenant.path)).status).toBe(200);
});
