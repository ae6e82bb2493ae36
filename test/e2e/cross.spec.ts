import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';
import { until } from '../../libs/testing/until.js';
import {
  aMember,
  type Answered,
  aTenant,
  aWorkspace,
  checkedApp,
  consistency,
  done,
  key,
  type Person,
  relationships,
  tenantEvents,
  type TestTenant,
} from './world.js';

let app: TestApp;
let tenant: TestTenant;
let workspace: string;
let person: Person;
let requests: string;

checkedApp(async () => (app = await startTestApp()));

beforeEach(async () => {
  tenant = await aTenant(app);
  workspace = await aWorkspace(tenant);
  person = await aMember(app, tenant);
  requests = `${tenant.path}/requests`;
});

const target = () => ({ type: 'workspace', id: workspace });
const ask = async (role = 'editor'): Promise<string> =>
  (await done(person.post(requests, { kind: 'role', role, target: target() }))).body.id;
const approve = (id: string, headers?: Record<string, string>): Promise<Answered> =>
  done(tenant.owner.post(`${requests}/${id}/decision`, { decision: 'approved' }, headers));
const revoke = (id: string, headers?: Record<string, string>): Promise<Answered> =>
  tenant.owner.post(`${requests}/${id}/revocation`, { note: 'over' }, headers);
const mayEdit = async (headers?: Record<string, string>): Promise<boolean> =>
  (await done(person.post('/v1/permissions/check', { resource: target(), permission: 'edit' }, headers))).body.allowed;
const held = (): Promise<string[]> => relationships(app, 'workspace', `@user:${person.id}`);
const pendingEnded = (id: string) =>
  until(async () => {
    const events = await tenantEvents(app, tenant.id);
    return events.some(({ stream, type }) => stream === `request-${id}` && !/submitted|decided|granted/.test(type));
  });

it('X-001 one correlation id links request, decision, grant, audit entries and relationship', async () => {
  const trace = { 'x-correlation-id': `x-001-${tenant.id}` };
  const body = { kind: 'role', role: 'admin', target: target() };
  const { id } = (await done(person.post(requests, body, trace))).body;
  expect((await done(person.get(`${requests}/${id}`))).body).toMatchObject({ status: 'pending' });
  const approved = await approve(id, trace);
  expect(approved.headers.get('x-correlation-id')).toBe(trace['x-correlation-id']);
  expect((await done(person.get(`${requests}/${id}`))).body).toMatchObject({ status: 'approved' });

  const linked = (await tenantEvents(app, tenant.id)).filter(
    ({ metadata }) => metadata.correlationId === trace['x-correlation-id'],
  );
  const types = ['role-request-opened', 'request-submitted', 'approval-decision-recorded', 'request-approved'];
  expect(linked.map(({ type }) => type)).toEqual([...types, 'role-granted'].map((type) => `${type}.v1`));
  const [granted] = linked.slice(-1);
  expect(granted).toMatchObject({ data: { source: `request:${id}`, role: 'admin' } });
  expect(await held()).toEqual([`workspace:${workspace}#admin@user:${person.id}`]);

  const url = `${tenant.path}/audit-log?correlationId=${trace['x-correlation-id']}&order=asc`;
  const { items } = (await done(tenant.owner.get(url, consistency(approved)))).body;
  const places = (items as Record<string, unknown>[]).map(({ eventId, position }) => [eventId, position]);
  expect(places).toEqual(linked.map((event) => [event.id, event.position]));
});

it('X-002 P5 what was approved is allowed at once with the token of the approval, what was revoked is not', async () => {
  for (let round = 0; round < 3; round++) {
    const id = await ask();
    const approved = await approve(id, { prefer: 'wait=0' });
    expect(await mayEdit(consistency(approved))).toBe(true);
    const revoked = await done(revoke(id, { prefer: 'wait=0' }));
    expect(await mayEdit(consistency(revoked))).toBe(false);
  }
});

it('X-004 revoking a request’s grant takes the relationship, and nothing a second time', async () => {
  const id = await ask();
  await approve(id);
  expect(await held()).toEqual([`workspace:${workspace}#editor@user:${person.id}`]);
  await done(revoke(id));
  expect(await held()).toEqual([]);
  const before = await tenantEvents(app, tenant.id);
  expect([200, 409]).toContain((await revoke(id)).status);
  expect(await tenantEvents(app, tenant.id)).toEqual(before);
});

it('revoking ends its own source alone; removing somebody directly ends all', async () => {
  const members = `${tenant.path}/workspaces/${workspace}/members`;
  const [first, second] = [await ask('editor'), await ask('member')];
  await approve(first);
  await approve(second);
  expect(await held()).toHaveLength(2);
  await done(revoke(first));
  expect(await held()).toEqual([`workspace:${workspace}#member@user:${person.id}`]);
  await done(tenant.owner.delete(`${members}/${person.id}`));
  expect(await held()).toEqual([]);
});

it('X-005 pending requests in a tenant that is deleted are closed', async () => {
  const id = await ask();
  await done(tenant.owner.delete(tenant.path));
  await pendingEnded(id);
  expect((await person.get(`${requests}/${id}`)).status).toBe(404);
});

it('X-006 pending requests of a member who is removed are closed; what was granted ends', async () => {
  const granted = await ask('member');
  await approve(granted);
  const pending = await ask('editor');
  const removed = await done(tenant.owner.delete(`${tenant.path}/members/${person.id}`));
  expect(await held()).toEqual([]);
  await pendingEnded(pending);
  const { body } = await tenant.owner.get(`${requests}/${pending}`, consistency(removed));
  expect(body.status).not.toBe('pending');
  const late = await tenant.owner.post(`${requests}/${pending}/decision`, { decision: 'approved' });
  expect(late.status).toBe(409);
  expect(await held()).toEqual([]);
});

it('X-009 a decision that is sent twice with its key has one effect and one answer', async () => {
  const id = await ask();
  const headers = key('decide-once');
  const first = await approve(id, headers);
  const before = await tenantEvents(app, tenant.id);
  const second = await approve(id, headers);
  expect({ status: second.status, body: second.body }).toEqual({ status: first.status, body: first.body });
  expect(await tenantEvents(app, tenant.id)).toEqual(before);
});
