import { type EventStoreDbDouble, startEventStoreDbDouble } from '../../libs/testing/eventstoredb-double/index.js';
import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';
import { checkInvariants } from '../../libs/verification/index.js';
import { aMember, aTenant, aWorkspace, done } from './world.js';

let double: EventStoreDbDouble | undefined;
let app: TestApp;

beforeAll(async () => {
  const url = process.env['EVENTSTORE_URL'] ?? (double = await startEventStoreDbDouble()).url;
  app = await startTestApp({ env: { EVENTSTORE_URL: url } });
});
afterAll(async () => {
  await app?.stop();
  await double?.stop();
});

async function requestedAndApproved() {
  const tenant = await aTenant(app);
  const workspace = await aWorkspace(tenant);
  const member = await aMember(app, tenant);
  const target = { type: 'workspace', id: workspace };
  const { body: request } = await done(
    member.post(`${tenant.path}/requests`, { kind: 'role', role: 'editor', target }),
  );
  const decision = `${tenant.path}/requests/${request.id}/decision`;
  const { body: decided } = await done(tenant.owner.post(decision, { decision: 'approved' }));
  return { tenant, member, target, decided };
}

async function mayEdit(member: { post: TestApp['admin']['post'] }, resource: object): Promise<boolean> {
  return (await done(member.post('/v1/permissions/check', { resource, permission: 'edit' }))).body.allowed;
}

test('on EventStoreDB a request leads from its submission to a permission, and back with its revocation', async () => {
  const { tenant, member, target, decided } = await requestedAndApproved();
  expect(decided).toMatchObject({ status: 'approved', effective: true });
  expect(await mayEdit(member, target)).toBe(true);
  await done(tenant.owner.post(`${tenant.path}/requests/${decided.id}/revocation`));
  expect(await mayEdit(member, target)).toBe(false);
});

test('on EventStoreDB everything is as the log says, system events between ours or not', async () => {
  await requestedAndApproved();
  await app.settled();
  const { log, pool, spicedb, domain } = app.runtime;
  const report = await checkInvariants({ log, pool, spicedb, domain, partition: 0 });
  expect(report.checks.filter(({ ok }) => !ok)).toEqual([]);
  expect(report.ok).toBe(true);
});

test('a connection to EventStoreDB that breaks costs nothing that was acknowledged', async () => {
  if (!double) return;
  const before = await requestedAndApproved();
  double.control.cutConnections();
  const after = await requestedAndApproved();
  for (const { member, target } of [before, after]) expect(await mayEdit(member, target)).toBe(true);
});
