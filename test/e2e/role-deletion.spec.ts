import type { RelayPoint } from '../../apps/relay/relay.js';
import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';
import { until } from '../../libs/testing/until.js';
import { aMember, aRole, aTenant, done, Gate, key, relationships, stopChecked, type TestTenant } from './world.js';

let app: TestApp;
let tenant: TestTenant;
const relay = new Gate<RelayPoint>();

beforeAll(async () => {
  app = await startTestApp({ at: relay.at });
});

afterAll(async () => {
  relay.open();
  await stopChecked(app);
});

beforeEach(async () => {
  tenant = await aTenant(app);
});

it('a role whose deletion is asked for while the relay is away is not deleted before it is known that nobody holds it', async () => {
  const id = await aRole(tenant);
  const role = `${tenant.path}/roles/${id}`;
  const person = await aMember(app, tenant);
  const target = { type: 'tenant', id: tenant.id };
  const asked = { kind: 'role', role: id, target };
  const request = `${tenant.path}/requests/${(await done(person.post(`${tenant.path}/requests`, asked))).body.id}`;
  await app.settled();
  relay.hold('in-transaction');
  expect((await tenant.owner.delete(role, key('once'))).body).toMatchObject({ code: 'not-yet' });
  relay.open();
  await until(async () => (await tenant.owner.get(role)).status === 404);
  expect((await tenant.owner.delete(role, key('once'))).status).toBe(204);
  expect((await tenant.owner.get(request)).body).toMatchObject({ status: 'closed', closeReason: 'role-deleted' });
  expect(await relationships(app, 'role', id)).toEqual([]);
});

it('one that is approved for somebody in that time stays, and is theirs', async () => {
  const roleId = await aRole(tenant);
  const role = `${tenant.path}/roles/${roleId}`;
  const person = await aMember(app, tenant);
  const target = { type: 'tenant', id: tenant.id };
  const asked = { kind: 'role', role: roleId, target };
  const request = `${tenant.path}/requests/${(await done(person.post(`${tenant.path}/requests`, asked))).body.id}`;
  await app.settled();
  relay.hold('in-transaction');
  const later = { prefer: 'respond-async' };
  const approved = await done(tenant.owner.post(`${request}/decision`, { decision: 'approved' }, later));
  expect(approved.body).toMatchObject({ status: 'approved', effective: false });
  expect((await tenant.owner.delete(role, later)).status).toBe(503);
  relay.open();
  await app.settled();
  expect((await tenant.owner.delete(role)).body).toMatchObject({ code: 'role-in-use' });
  const check = { resource: target, permission: 'apps:read' };
  expect((await person.post('/v1/permissions/check', check)).body).toEqual({ allowed: true });
});
