import type { AnswerBody } from '../../libs/testing/api-client.js';
import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';
import {
  aMember,
  aTenant,
  aUserWithToken,
  aWorkspace,
  checkedApp,
  done,
  type Person,
  relationships,
  type TestTenant,
  UNKNOWN,
} from './world.js';

let app: TestApp;
let tenant: TestTenant;
let workspace: string;
let nurse: string;
let u1: Person;
let u2: Person;

checkedApp(async () => (app = await startTestApp()));

beforeEach(async () => {
  tenant = await aTenant(app);
  workspace = await aWorkspace(tenant);
  nurse = await define('nurse', ['apps:read']);
  [u1, u2] = [await aMember(app, tenant), await aMember(app, tenant)];
});

const onTenant = () => ({ type: 'tenant', id: tenant.id });
const onWorkspace = () => ({ type: 'workspace', id: workspace });
const define = async (name: string, permissions: string[], requestable = true): Promise<string> =>
  (await done(tenant.owner.post(`${tenant.path}/roles`, { name, permissions, requestable }))).body.id;
const ask = (by: Person, body: object = {}) =>
  by.post(`${tenant.path}/requests`, { kind: 'role', role: nurse, target: onTenant(), ...body });
const decide = (requestId: unknown, decision = 'approved', by: Person = tenant.owner) =>
  by.post(`${tenant.path}/requests/${String(requestId)}/decision`, { decision, note: 'ok' });
const may = async (person: Person, permission: string, resource: object): Promise<boolean> =>
  (await done(person.post('/v1/permissions/check', { resource, permission }))).body.allowed as boolean;
const idsOf = async (by: Person, query: string): Promise<string[]> =>
  (await done(by.get(`${tenant.path}/requests?${query}`))).body.items!.map(({ id }: { id: string }) => id);

describe('a request for a role of the tenant', () => {
  it('RR-001 RR-041 RR-019 RR-020 RR-029 is approved, and effective on the very next call', async () => {
    const asked = await ask(u1);
    expect(asked).toMatchObject({ status: 201, body: { role: nurse, status: 'pending', reviewer: null } });
    expect(await may(u1, 'apps:read', onTenant())).toBe(false);
    const approved = await decide(asked.body.id);
    expect(approved).toMatchObject({
      status: 200,
      body: { status: 'approved', reviewNote: 'ok', reviewer: { id: tenant.owner.id }, effective: true },
    });
    expect(await may(u1, 'apps:read', onTenant())).toBe(true);
    expect(await may(u1, 'apps:read', onWorkspace())).toBe(true);
    expect((await ask(u1)).body).toMatchObject({ code: 'role-already-held' });
    expect((await decide(asked.body.id)).body).toMatchObject({ code: 'request-not-pending' });
    expect(await idsOf(tenant.owner, `role=${nurse}&status=approved`)).toEqual([asked.body.id]);
    expect(await idsOf(u1, 'requester=@me&role=NURSE')).toEqual([asked.body.id]);
    await done(tenant.owner.post(`${tenant.path}/requests/${asked.body.id}/revocation`, {}));
    expect(await may(u1, 'apps:read', onTenant())).toBe(false);
    expect(await relationships(app, 'role_binding', `/${nurse}#`)).toEqual([]);
    expect(await idsOf(u1, 'requester=@me&status=revoked')).toEqual([asked.body.id]);
  });

  it('RR-005 RR-006 RR-007 RR-008 is one at a time for each role and person, and may follow one that was rejected', async () => {
    const { body: first } = await done(ask(u1, { role: 'Nurse' }));
    expect(await ask(u1)).toMatchObject({ status: 409, body: { code: 'request-pending', requestId: first.id } });
    const doctor = await define('doctor', ['tags:read']);
    expect((await ask(u1, { role: doctor })).status).toBe(201);
    expect((await ask(u1, { target: onWorkspace() })).status).toBe(201);
    expect((await ask(u2)).status).toBe(201);
    expect((await decide(first.id, 'approved', u1)).body).toMatchObject({ code: 'own-request' });
    expect((await decide(first.id, 'approved', u2)).body).toMatchObject({ code: 'forbidden' });
    expect((await decide(first.id, 'rejected')).body).toMatchObject({ status: 'rejected' });
    expect(await may(u1, 'apps:read', onTenant())).toBe(false);
    expect((await ask(u1)).status).toBe(201);
  });

  it.each<[string, unknown, number]>([
    ['an unknown word', 'surgeon', 422],
    ['nothing', '', 422],
    ['a number', 7, 422],
    ['null', null, 422],
    ['a role that is not there', UNKNOWN, 404],
  ])('RR-003 is refused for %s', async (_fault, role, status) => {
    expect((await ask(u1, { role })).status).toBe(status);
    expect(await idsOf(u1, 'requester=@me')).toEqual([]);
  });

  it('RR-038 of a role that stopped being requestable is not approved, and can be rejected', async () => {
    const { body } = await done(ask(u1));
    await done(tenant.owner.patch(`${tenant.path}/roles/${nurse}`, { requestable: false }));
    expect((await ask(u2)).body).toMatchObject({ code: 'role-not-requestable', field: 'role' });
    expect(await decide(body.id)).toMatchObject({ status: 409, body: { code: 'role-not-requestable-any-more' } });
    expect(await may(u1, 'apps:read', onTenant())).toBe(false);
    expect((await decide(body.id, 'rejected')).status).toBe(200);
  });

  it('RR-039 of a role that is deleted is closed, and never approved', async () => {
    const { body } = await done(ask(u1));
    expect((await tenant.owner.delete(`${tenant.path}/roles/${nurse}`)).status).toBe(204);
    expect(await decide(body.id)).toMatchObject({ status: 409, body: { code: 'request-not-pending' } });
    expect((await tenant.owner.get(`${tenant.path}/requests/${body.id}`)).body).toMatchObject({
      status: 'closed',
      closeReason: 'role-deleted',
    });
    expect((await ask(u1)).status).toBe(404);
  });

  it('RR-011 RR-012 is the caller’s own and pending: a body that says otherwise is refused', async () => {
    for (const [field, value] of [
      ['requester', { type: 'user', id: u2.id }],
      ['userId', u2.id],
      ['status', 'approved'],
      ['reviewer', tenant.owner.id],
    ] as const) {
      expect(await ask(u1, { [field]: value })).toMatchObject({ status: 422, body: { field } });
    }
    expect(await idsOf(tenant.owner, `role=${nurse}`)).toEqual([]);
  });

  it('RR-014 RR-016 RR-017 RR-018 is listed by role, status and requester, all to who may see all', async () => {
    const doctor = await define('doctor', ['tags:read']);
    const [first, second, third] = [await ask(u1), await ask(u1, { role: doctor }), await ask(u2)];
    await done(decide(third.body.id, 'rejected'));
    expect(await idsOf(u1, 'requester=@me&role=doctor')).toEqual([second.body.id]);
    expect(await idsOf(tenant.owner, 'role=Nurse')).toEqual([third.body.id, first.body.id]);
    expect(await idsOf(tenant.owner, `role=${nurse}&status=pending`)).toEqual([first.body.id]);
    expect(await idsOf(tenant.owner, `requester=${u1.id}`)).toEqual([second.body.id, first.body.id]);
    expect((await u1.get(`${tenant.path}/requests?role=${nurse}`)).status).toBe(403);
    expect((await tenant.owner.get(`${tenant.path}/requests?role=surgeon`)).status).toBe(400);
  });

  it('RR-022 RR-023 is decided once; what was rejected is not given', async () => {
    const [first, second] = [await done(ask(u1)), await done(ask(u2))];
    await done(decide(first.body.id));
    await done(decide(second.body.id, 'rejected'));
    for (const { body } of [first, second]) {
      for (const decision of ['approved', 'rejected']) {
        expect(await decide(body.id, decision)).toMatchObject({ status: 409, body: { code: 'request-not-pending' } });
      }
    }
    expect([await may(u1, 'apps:read', onTenant()), await may(u2, 'apps:read', onTenant())]).toEqual([true, false]);
  });

  it('RR-024 is not decided by the requester, who may decide those of others', async () => {
    const steward = await define('steward', ['roles:assign', 'apps:read'], false);
    const subject = { type: 'user', id: u1.id };
    await done(tenant.owner.post(`${tenant.path}/assignments`, { subject, role: steward, target: onTenant() }));
    const [own, other] = [await done(ask(u1)), await done(ask(u2))];
    expect(await decide(own.body.id, 'approved', u1)).toMatchObject({ status: 403, body: { code: 'own-request' } });
    expect((await u1.get(`${tenant.path}/requests/${own.body.id}`)).body).toMatchObject({ status: 'pending' });
    expect((await decide(other.body.id, 'approved', u1)).status).toBe(200);
  });

  it('RR-028 has one outcome when two decide at once', async () => {
    const { body } = await done(ask(u1));
    const other = await aMember(app, tenant, 'admin');
    const answers = await Promise.all([decide(body.id), decide(body.id, 'rejected', other)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    const approved = answers[0]!.status === 200;
    expect(await may(u1, 'apps:read', onTenant())).toBe(approved);
    expect(await relationships(app, 'role_binding', u1.id)).toHaveLength(approved ? 1 : 0);
  });

  it('RR-037 RR-040 is on the record with roles before and after, also once the reviewer is gone', async () => {
    const [{ body }, reviewer] = [await done(ask(u1)), await aMember(app, tenant, 'admin')];
    await done(decide(body.id, 'approved', reviewer));
    await done(app.admin.delete(`/v1/users/${reviewer.id}`));
    await app.settled();
    expect((await done(tenant.owner.get(`${tenant.path}/requests/${body.id}`))).body).toMatchObject({
      status: 'approved',
      reviewer: { id: reviewer.id, active: false },
    });
    const { items } = (await done(tenant.owner.get(`${tenant.path}/audit-log?order=asc&limit=200`))).body;
    const entries = items as unknown as { action: string; actor: object; newValues: { role?: string } }[];
    const ofRole = entries.filter(({ newValues }) => newValues?.role === nurse);
    expect(ofRole.map(({ action }) => action)).toEqual(
      expect.arrayContaining(['role-request.opened', 'request.submitted', 'role.granted']),
    );
    expect(ofRole.find(({ action }) => action === 'role.granted')).toMatchObject({
      actor: { onBehalfOf: { id: reviewer.id } },
      oldValues: { subject: `user:${u1.id}`, roles: ['member'] },
      newValues: { subject: `user:${u1.id}`, roles: ['member', nurse], source: `request:${String(body.id)}` },
    });
    const decided = entries.find(({ action }) => action === 'approval.decision-recorded');
    expect(decided).toMatchObject({ actor: { id: reviewer.id, displayName: reviewer.name } });
    expect(await may(u1, 'apps:read', onTenant())).toBe(true);
  });

  it('RR-040 that is rejected is on the record once, with who did it, target, role and roles', async () => {
    const { body } = await done(ask(u1, { target: onWorkspace() }));
    await done(decide(body.id, 'rejected'));
    await app.settled();
    const log = `${tenant.path}/audit-log?resourceType=request&resourceId=${String(body.id)}&order=asc`;
    const { items } = (await done(tenant.owner.get(log))).body;
    const about = { requester: `user:${u1.id}`, role: nurse, target: `workspace:${workspace}`, roles: [] };
    expect(items).toMatchObject([
      { action: 'request.submitted', oldValues: about, newValues: { ...about, status: 'pending' } },
      { action: 'approval.decision-recorded' },
      { action: 'request.rejected', oldValues: about, newValues: { ...about, status: 'rejected' } },
    ]);
    // What its call has not done when the relay comes along is done by a process.
    const people = items.map(({ actor }: AnswerBody) => actor.onBehalfOf ?? actor);
    expect(people).toMatchObject([u1, tenant.owner, tenant.owner].map(({ id, name }) => ({ id, displayName: name })));
  });

  it('with an end is granted until then', async () => {
    const until = '2090-01-01T00:00:00.000Z';
    const { body } = await done(ask(u1, { until, target: onWorkspace() }));
    await done(decide(body.id));
    const held = (await done(tenant.owner.get(`${tenant.path}/assignments?subjectId=${u1.id}&role=${nurse}`))).body;
    expect(held.items).toMatchObject([{ until, source: `request:${body.id}` }]);
  });

  it('is decided by who may assign roles and holds all that this one allows', async () => {
    const { body: first } = await done(ask(u1));
    const steward = await define('steward', ['roles:assign'], false);
    const subject = { type: 'user', id: u2.id };
    await done(tenant.owner.post(`${tenant.path}/assignments`, { subject, role: steward, target: onTenant() }));
    expect(await idsOf(u2, 'decidable=@me')).toEqual([first.id]);
    expect(await decide(first.id, 'approved', u2)).toMatchObject({
      status: 403,
      body: { code: 'permissions-missing', missing: ['apps:read'] },
    });
    await done(tenant.owner.post(`${tenant.path}/assignments`, { subject, role: nurse, target: onTenant() }));
    expect((await decide(first.id, 'approved', u2)).body).toMatchObject({ status: 'approved' });
    const { body: other } = await done(ask(u1, { role: 'editor', target: onWorkspace() }));
    expect((await decide(other.id, 'approved', u2)).status).toBe(403);
  });

  it('is not withdrawn by others: 403 for who may see it, 404 for who may not', async () => {
    const { body } = await done(ask(u1));
    const path = `${tenant.path}/requests/${body.id}`;
    const auditor = await define('auditor', ['requests:read'], false);
    const withdraw = async (by: Person) => [
      (await by.get(path)).status,
      (await by.post(`${path}/withdrawal`, {})).status,
    ];
    expect(await withdraw(u2)).toEqual([404, 404]);
    const subject = { type: 'user', id: u2.id };
    await done(tenant.owner.post(`${tenant.path}/assignments`, { subject, role: auditor, target: onTenant() }));
    for (const seeing of [u2, tenant.owner]) expect(await withdraw(seeing)).toEqual([200, 403]);
    expect((await u1.get(path)).body.status).toBe('pending');
  });

  it('is listed for the guest who decides it, though they don’t see the tenant', async () => {
    const [guest, stranger] = [await aUserWithToken(app, 'guest'), await aUserWithToken(app)];
    const members = `${tenant.path}/workspaces/${workspace}/members`;
    await done(tenant.owner.post(members, { userId: guest.id, role: 'admin' }));
    const { body } = await done(ask(u1, { role: 'editor', target: onWorkspace() }));
    await done(ask(u1, { role: 'editor', target: { type: 'workspace', id: tenant.rootId } }));
    expect(await idsOf(guest, 'decidable=@me')).toEqual([body.id]);
    expect((await decide(body.id, 'approved', guest)).status).toBe(200);
    expect(await idsOf(guest, 'decidable=@me')).toEqual([]);
    const missing = await stranger.get(`${tenant.path}/requests?decidable=@me`);
    expect(missing.status).toBe(404);
    expect((await guest.get(`${tenant.path}/requests`)).body).toEqual(missing.body);
  });

  it('is found by members: what may be asked for they may list', async () => {
    await define('hidden', ['apps:read'], false);
    const listed = (await done(u1.get(`${tenant.path}/roles?requestable=true`))).body.items!;
    expect(listed.map(({ name }: { name?: string }) => name)).toEqual(['admin', 'editor', 'member', 'nurse']);
    expect((await u1.get(`${tenant.path}/roles`)).status).toBe(403);
    expect((await u1.get(`${tenant.path}/roles?requestable=false`)).status).toBe(403);
    const others = (await done(tenant.owner.get(`${tenant.path}/roles?requestable=false`))).body.items!;
    expect(others.map(({ name }: { name?: string }) => name)).toEqual(['hidden']);
  });
});
