import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { CommandBus } from '@nestjs/cqrs';
import { operatorContext } from '../../apps/operator/session.js';
import { exportAudit, isIntact, verifyExport } from '../../libs/audit-log/index.js';
import { replay } from '../../libs/projections/index.js';
import { type EventStoreDbDouble, startEventStoreDbDouble } from '../../libs/testing/eventstoredb-double/index.js';
import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';
import { EraseUser } from '../../libs/users/index.js';
import { checkInvariants } from '../../libs/verification/index.js';
import { aMember, aTenant, aWorkspace, done, events } from './world.js';

const realUrl = process.env['EVENTSTORE_URL'];
let double: EventStoreDbDouble | undefined;
let app: TestApp;

beforeAll(async () => {
  const url = realUrl ?? (double = await startEventStoreDbDouble()).url;
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

test('on EventStoreDB an erased person is read nowhere any more, a replay gives the same rows and every chain verifies', async () => {
  const tenant = await aTenant(app);
  const member = await aMember(app, tenant);
  const reason = 'because the wombats need it';
  await done(member.patch('/v1/me', { displayName: 'Wolfram Wombat', email: 'wolfram@wombat.example' }));
  const target = { type: 'workspace', id: tenant.rootId };
  await done(member.post(`${tenant.path}/requests`, { kind: 'role', role: 'editor', target, reason }));
  await app.settled();
  const { runtime } = app;
  const { log, pool, spicedb, domain } = runtime;
  const clear = ['Wolfram Wombat', 'wolfram@wombat.example', reason];
  const opened = async () => JSON.stringify(await domain.registry.open(await events(app)));
  for (const text of clear) expect(await opened()).toContain(text);

  await app.app.get(CommandBus).execute(new EraseUser(operatorContext(runtime, 'olga'), { userId: member.id }));
  await app.settled();
  const { rows } = await pool.query('select display_name as name, email from app_user where id = $1', [member.id]);
  expect(rows).toEqual([{ name: null, email: null }]);
  for (const text of clear) expect(await opened()).not.toContain(text);

  const { tables } = await replay({ log, pool, registry: domain.registry, models: domain.readModels });
  expect(tables.filter(({ onlyLive, onlyRebuilt, changed }) => onlyLive + onlyRebuilt + changed > 0)).toEqual([]);
  const { checks } = await checkInvariants({ log, pool, spicedb, domain, partition: 0 });
  expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  const to = new PassThrough();
  const content = buffer(to);
  await exportAudit({ pool, to, exportedAt: new Date('2026-02-01T00:00:00.000Z') });
  expect(isIntact(await verifyExport(Readable.from([await content]), { mapping: domain.audit }))).toBe(true);
  for (const text of clear) expect((await content).toString()).not.toContain(text);
}, 60_000);

(realUrl ? test.skip : test)(
  'a connection to EventStoreDB that breaks costs nothing that was acknowledged',
  async () => {
    const before = await requestedAndApproved();
    double!.control.cutConnections();
    const after = await requestedAndApproved();
    for (const { member, target } of [before, after]) expect(await mayEdit(member, target)).toBe(true);
  },
);
