import { createOpenApi } from '../../apps/api/openapi.js';
import { checkedApp } from '../../test/e2e/world.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';
import { done, type Person, World } from './world.fixture.js';

const UNKNOWN = '01JQ0000000000000000000ABC';

let app: TestApp;
let world: World;
let tenants = 0;

checkedApp(async () => (app = await startTestApp()));

beforeEach(async () => {
  world = await World.create(app, `tenant ${tenants++}`);
});

describe('asking for a role', () => {
  it('answers with the pending request (RR-001)', async () => {
    const { u1, tenantId, workspaceId } = world;
    const answer = await world.ask(u1, { reason: ' please\r\n' });
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({
      ...{ kind: 'role', tenantId, role: 'editor', target: { type: 'workspace', id: workspaceId }, until: null },
      requester: { type: 'user', id: u1.id, displayName: u1.name, active: true },
      ...{ reason: 'please', status: 'pending', closeReason: null, reviewNote: null, reviewer: null, reviewedAt: null },
      ...{ revision: 1, effective: true },
    });
    expect(answer.body.createdAt).toBe(answer.body.updatedAt);
    expect(answer.headers.get('etag')).toBe('"1"');
  });

  it.each([
    ['an unknown role', { role: 'nurse' }, 'role'],
    ['an empty role', { role: '' }, 'role'],
    ['a number', { role: 7 }, 'role'],
    ['no role', { role: undefined }, 'role'],
    ['a list', { role: ['editor'] }, 'role'],
    ['another kind', { kind: 'group' }, 'kind'],
    ['no kind', { kind: undefined }, 'kind'],
    ['no target', { target: undefined }, 'target'],
    ['a target without an id', { target: { type: 'workspace' } }, 'target.id'],
    ['a target of another type', { target: { type: 'group', id: UNKNOWN } }, 'target.type'],
    ['a reason that is too long', { reason: 'x'.repeat(2_001) }, 'reason'],
    ['an end without a zone', { until: '2099-01-01T00:00:00' }, 'until'],
    ['an end in the past', { until: '2020-01-01T00:00:00Z' }, 'until'],
    ['a status (RR-012)', { status: 'approved' }, 'status'],
    ['a reviewer (RR-012)', { reviewer: UNKNOWN }, 'reviewer'],
    ['another requester (RR-011)', { requester: UNKNOWN }, 'requester'],
    ['a word for supersede', { supersede: 'yes' }, 'supersede'],
  ])('refuses %s (RR-003)', async (_fault, body, field) => {
    const answer = await world.ask(world.u1, body);
    expect(answer).toMatchObject({ status: 422, body: { field } });
    expect(await world.ids(world.adm)).toEqual([]);
  });

  it('refuses a role that the type of target does not have (RR-003)', async () => {
    const answer = await world.ask(world.u1, { target: { type: 'tenant', id: world.tenantId } });
    expect(answer).toMatchObject({ status: 422, body: { code: 'invalid', field: 'role' } });
  });

  it('refuses a role that is not requestable (RR-038)', async () => {
    const answer = await world.ask(world.u1, { role: 'admin', target: { type: 'tenant', id: world.tenantId } });
    expect(answer).toMatchObject({ status: 422, body: { code: 'role-not-requestable', field: 'role' } });
  });

  it('refuses without a token (RR-010)', async () => {
    expect(await app.as().post(`${world.path}/requests`, {})).toMatchObject({ status: 401 });
  });

  it('does not know targets elsewhere, nor tenants to which the caller does not belong', async () => {
    const other = await World.create(app, `other ${tenants}`);
    const missing = await world.ask(world.u1, { target: { type: 'workspace', id: UNKNOWN } });
    const foreign = await world.ask(world.u1, { target: { type: 'workspace', id: other.workspaceId } });
    const anotherTenant = await world.ask(world.u1, { role: 'member', target: { type: 'tenant', id: other.tenantId } });
    const outsider = await world.ask(other.u1);
    for (const answer of [foreign, anotherTenant, outsider])
      expect(answer).toMatchObject({ status: 404, body: missing.body });
  });

  it('refuses a role that is held already (RR-004), unless for longer', async () => {
    const until = '2090-01-01T00:00:00.000Z';
    await world.granted(world.u1, { until });
    const answer = await world.ask(world.u1, { until: '2089-01-01T00:00:00Z' });
    expect(answer).toMatchObject({ status: 409, body: { code: 'role-already-held' } });
    expect(await world.ids(world.u1, '?requester=@me&status=pending')).toEqual([]);
    expect(await world.ask(world.u1, { until: '2091-01-01T00:00:00Z' })).toMatchObject({ status: 201 });
  });

  it('refuses a second request for the same role, and names the open one; other roles and people have their own (RR-005, RR-006, RR-007)', async () => {
    const { u1, u2 } = world;
    const open = await world.asked(u1);
    expect(await world.ask(u1)).toMatchObject({ status: 409, body: { code: 'request-pending', requestId: open } });
    expect(await world.ids(u1, '?requester=@me')).toEqual([open]);
    expect(await world.ask(u1, { role: 'member' })).toMatchObject({ status: 201 });
    expect(await world.ask(u2)).toMatchObject({ status: 201 });
  });

  it('is possible again after a rejection (RR-008)', async () => {
    const first = await world.asked(world.u1);
    await done(world.decide(world.adm, first, 'rejected'));
    const second = await world.asked(world.u1);
    expect(second).not.toBe(first);
  });

  it('puts the new request in the place of the open one (RR-005)', async () => {
    const open = await world.asked(world.u1);
    const key = { 'idempotency-key': 'supersede-1' };
    const answer = await world.ask(world.u1, { supersede: true, reason: 'longer' }, key);
    expect(answer).toMatchObject({ status: 201, body: { status: 'pending', reason: 'longer', revision: 1 } });
    expect(await world.request(open)).toMatchObject({ status: 'superseded' });
    expect(await world.ids(world.u1, '?requester=@me&status=pending')).toEqual([answer.body.id]);
    const again = await world.ask(world.u1, { supersede: true, reason: 'longer' }, key);
    expect({ ...again.body, token: '' }).toEqual({ ...answer.body, token: '' });
    expect(await world.ids(world.u1, '?requester=@me')).toEqual([answer.body.id, open]);
  });

  it('is an ordinary request where there is nothing to supersede', async () => {
    const first = await world.asked(world.u1, { supersede: true });
    await done(world.withdraw(world.u1, first));
    expect(await world.ask(world.u1, { supersede: true })).toMatchObject({ status: 201 });
  });

  it('keeps the open request where the new one is refused', async () => {
    await world.granted(world.u1, { until: '2090-01-01T00:00:00Z' });
    const open = await world.asked(world.u1, { until: '2091-01-01T00:00:00Z' });
    const answer = await world.ask(world.u1, { supersede: true, until: '2089-01-01T00:00:00Z' });
    expect(answer).toMatchObject({ status: 409, body: { code: 'role-already-held' } });
    expect(await world.request(open)).toMatchObject({ status: 'pending' });
  });

  it('has one effect however often it is repeated, and the first answer (X-009)', async () => {
    const key = { 'idempotency-key': 'submit-1' };
    const first = await world.ask(world.u1, {}, key);
    await done(world.decide(world.adm, String(first.body.id), 'approved'));
    const again = await world.ask(world.u1, {}, key);
    expect({ ...again.body, token: '' }).toEqual({ ...first.body, token: '' });
    expect(again.status).toBe(201);
    expect(await world.ids(world.adm)).toEqual([first.body.id]);
  });
});

describe('deciding', () => {
  it('grants at once (RR-019, RR-020, X-002)', async () => {
    const { u1, adm } = world;
    expect(await world.canEdit(u1)).toBe(false);
    const answer = await world.decide(adm, await world.asked(u1), 'approved', { note: 'ok' });
    expect(answer).toMatchObject({
      status: 200,
      body: { status: 'approved', reviewNote: 'ok', revision: 2, effective: true },
    });
    expect(answer.body.reviewer).toEqual({ type: 'user', id: adm.id, displayName: adm.name, active: true });
    expect(answer.body.reviewedAt).toBe(answer.body.updatedAt);
    expect(await world.canEdit(u1)).toBe(true);
  });

  it('rejects (RR-021)', async () => {
    const answer = await world.decide(world.adm, await world.asked(world.u1), 'rejected', { note: 'no' });
    const reviewer = { type: 'user', id: world.adm.id, displayName: world.adm.name, active: true };
    expect(answer).toMatchObject({ status: 200, body: { status: 'rejected', reviewNote: 'no', reviewer } });
    expect(answer.body.reviewedAt).toBe(answer.body.updatedAt);
    expect(await world.canEdit(world.u1)).toBe(false);
  });

  it.each([
    ['approved', 'rejected'],
    ['approved', 'approved'],
    ['rejected', 'approved'],
  ])('happens once: after %s comes no %s (RR-022, RR-023)', async (first, second) => {
    const id = await world.asked(world.u1);
    await done(world.decide(world.adm, id, first));
    const before = await world.request(id);
    const answer = await world.decide(world.adm, id, second);
    expect(answer).toMatchObject({ status: 409, body: { code: 'request-not-pending', requestStatus: first } });
    expect(await world.request(id)).toEqual(before);
    expect(await world.canEdit(world.u1)).toBe(first === 'approved');
  });

  it('has one outcome when two decide at once (RR-028)', async () => {
    const second = await world.member('second');
    await world.assign(second, 'admin');
    const id = await world.asked(world.u1);
    const answers = await Promise.all([world.decide(world.adm, id, 'approved'), world.decide(second, id, 'rejected')]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    const other = await world.asked(world.u2);
    const alike = await Promise.all([world.adm, second].map((by) => world.decide(by, other, 'approved')));
    expect(alike.map(({ status }) => status).sort()).toEqual([200, 409]);
    const { body } = await done(world.adm.get(`${world.path}/assignments?subjectId=${world.u2.id}&role=editor`));
    expect(body.items).toMatchObject([{ source: `request:${other}` }]);
  });

  it('is not for the requester, not even an admin (RR-024)', async () => {
    const id = await world.asked(world.u1);
    expect(await world.decide(world.u1, id, 'approved')).toMatchObject({ status: 403, body: { code: 'own-request' } });
    const own = await world.asked(world.adm);
    expect(await world.decide(world.adm, own, 'approved')).toMatchObject({
      status: 403,
      body: { code: 'own-request' },
    });
    for (const pending of [id, own]) expect(await world.request(pending)).toMatchObject({ status: 'pending' });
  });

  it('is for those who may grant on the target, and no others', async () => {
    const id = await world.asked(world.u1);
    const stranger = await world.stranger();
    expect(await world.decide(world.u2, id, 'approved')).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect(await world.decide(stranger, id, 'approved')).toMatchObject({ status: 404 });
    await world.assign(world.u2, 'admin');
    expect(await world.decide(world.u2, id, 'approved')).toMatchObject({ status: 200 });
  });

  it('knows ids (RR-026)', async () => {
    const other = await World.create(app, `other ${tenants}`);
    const foreign = await other.asked(other.u1);
    expect(await world.decide(world.adm, UNKNOWN, 'approved')).toMatchObject({ status: 404 });
    expect(await world.decide(world.adm, foreign, 'approved')).toMatchObject({ status: 404 });
    expect(await world.decide(world.adm, 'nonsense', 'approved')).toMatchObject({ status: 400 });
  });

  it.each([{ decision: 'maybe' }, {}, { decision: 'approved', note: 7 }, { decision: 'approved', by: UNKNOWN }])(
    'refuses %j',
    async (body) => {
      const id = await world.asked(world.u1);
      const answer = await world.adm.post(`${world.path}/requests/${id}/decision`, body);
      expect(answer.status).toBe(422);
      expect(await world.request(id)).toMatchObject({ status: 'pending' });
    },
  );

  it('refuses to grant what is not requestable any more (RR-038)', async () => {
    const id = await world.asked(world.u1);
    await done(world.adm.put(`${world.path}/requestable-roles`, { items: ['workspace:member'] }));
    const answer = await world.decide(world.adm, id, 'approved');
    expect(answer).toMatchObject({ status: 409, body: { code: 'role-not-requestable-any-more' } });
    expect(await world.decide(world.adm, id, 'rejected')).toMatchObject({ status: 200 });
  });

  it('gives a tenant its new admin (RR-019)', async () => {
    const { adm, u1, tenantId: id } = world;
    await done(adm.put(`${world.path}/requestable-roles`, { items: ['tenant:admin'] }));
    const requestId = await world.asked(u1, { role: 'admin', target: { type: 'tenant', id } });
    await done(world.decide(adm, requestId, 'approved'));
    expect(await world.can(u1, 'manage', { type: 'tenant', id })).toBe(true);
    const again = await world.ask(u1, { role: 'admin', target: { type: 'tenant', id } });
    expect(again).toMatchObject({ status: 409, body: { code: 'role-already-held' } });
  });
});

describe('reading', () => {
  const requester = (somebody: Person) => ({ id: somebody.id, displayName: somebody.name, active: true });

  it('gives everybody their own requests (RR-013, RR-014)', async () => {
    const { u1, u2, adm } = world;
    const first = await world.asked(u1);
    const second = await world.asked(u1, { role: 'member' });
    await world.asked(u2);
    await done(world.decide(adm, first, 'approved'));
    expect(await world.ids(u1, '?requester=@me')).toEqual([second, first]);
    expect(await world.ids(u1, `?requester=${u1.id}`)).toEqual([second, first]);
    expect(await world.ids(u1, '?requester=@me&status=pending')).toEqual([second]);
    expect(await world.ids(u1, '?requester=@me&role=editor')).toEqual([first]);
  });

  it.each([
    'status=nonsense',
    'role=7',
    'targetType=x',
    'targetId=x',
    'requester=x',
    'kind=x',
    'decidable=x',
    'what=1',
    'limit=0',
  ])('refuses ?%s (RR-015)', async (query) => {
    const answer = await world.adm.get(`${world.path}/requests?${query}`);
    expect(answer).toMatchObject({ status: 400, body: { code: 'malformed-query', field: query.split('=')[0] } });
  });

  it('gives all to the tenant admin, with people in each item (RR-016, RR-029)', async () => {
    const { u1, u2, adm } = world;
    const first = await world.asked(u1);
    const second = await world.asked(u2);
    await done(world.decide(adm, first, 'rejected', { note: 'no' }));
    const { body } = await done(adm.get(`${world.path}/requests`));
    expect(body.items).toMatchObject([
      { id: second, requester: requester(u2), reviewer: null },
      { id: first, requester: requester(u1), reviewer: requester(adm), reviewNote: 'no', status: 'rejected' },
    ]);
    const mine = await done(u1.get(`${world.path}/requests?requester=@me`));
    expect(mine.body.items).toMatchObject([{ id: first, requester: requester(u1), reviewer: requester(adm) }]);
  });

  it('filters for the tenant admin (RR-017)', async () => {
    const { u1, u2, adm, workspaceId } = world;
    const first = await world.asked(u1);
    const second = await world.asked(u2);
    const third = await world.asked(u2, { role: 'member' });
    await done(world.decide(adm, second, 'approved'));
    expect(await world.ids(adm, `?requester=${u2.id}`)).toEqual([third, second]);
    expect(await world.ids(adm, `?requester=${u2.id.toLowerCase()}&status=approved&role=editor`)).toEqual([second]);
    expect(await world.ids(adm, '?status=pending')).toEqual([third, first]);
    expect(await world.ids(adm, `?targetType=workspace&targetId=${workspaceId}&kind=role`)).toHaveLength(3);
    expect(await world.ids(adm, '?targetType=tenant')).toEqual([]);
  });

  it('refuses all to a plain member (RR-018), and anything to a stranger', async () => {
    const { u1, u2 } = world;
    expect(await u1.get(`${world.path}/requests`)).toMatchObject({ status: 403 });
    expect(await u1.get(`${world.path}/requests?requester=${u2.id}`)).toMatchObject({ status: 403 });
    const stranger = await world.stranger();
    for (const query of ['', '?requester=@me', '?decidable=@me']) {
      expect(await stranger.get(`${world.path}/requests${query}`)).toMatchObject({ status: 404 });
    }
  });

  it('gives everybody what they may decide, and not their own', async () => {
    const { u1, u2, adm } = world;
    const other = await world.workspace('other');
    await world.assign(u2, 'admin');
    const here = await world.asked(u1);
    const there = await world.asked(u1, { target: { type: 'workspace', id: other } });
    const own = await world.asked(u2, { role: 'member' });
    const decided = await world.asked(u1, { role: 'member' });
    await done(world.decide(adm, decided, 'rejected'));
    expect(await world.ids(u2, '?decidable=@me')).toEqual([here]);
    expect(await world.ids(u1, '?decidable=@me')).toEqual([]);
    expect(await world.ids(adm, '?decidable=@me')).toEqual([own, there, here]);
  });

  it('pages newest first, neither missing nor doubling while new ones come', async () => {
    const { u1, u2, adm } = world;
    const asked = [];
    for (const role of ['admin', 'editor', 'member']) asked.unshift(await world.asked(u1, { role }));
    const first = await done(adm.get(`${world.path}/requests?limit=2`));
    await world.asked(u2);
    const second = await done(adm.get(`${world.path}/requests?limit=2&cursor=${String(first.body.nextCursor)}`));
    const ids = [first, second].flatMap(({ body }) => (body.items as { id: string }[]).map(({ id }) => id));
    expect(ids).toEqual(asked);
    expect(second.body.nextCursor).toBeNull();
    const misused = await adm.get(`${world.path}/requests?status=pending&cursor=${String(first.body.nextCursor)}`);
    expect(misused).toMatchObject({ status: 400, body: { code: 'malformed-query' } });
  });

  it('shows one to its requester and to who may decide it, and to nobody else', async () => {
    const { u1, u2, adm } = world;
    const id = await world.asked(u1);
    const path = `${world.path}/requests/${id}`;
    const seen = await u1.get(path);
    expect(seen).toMatchObject({ status: 200, body: { id, requester: requester(u1) } });
    expect(await adm.get(path)).toMatchObject({ status: 200, body: seen.body });
    const missing = await u2.get(`${world.path}/requests/${UNKNOWN}`);
    expect(await u2.get(path)).toMatchObject({ status: 404, body: missing.body });
    expect(await (await world.stranger()).get(path)).toMatchObject({ status: 404, body: missing.body });
    await world.assign(u2, 'admin');
    expect(await u2.get(path)).toMatchObject({ status: 200 });
    expect(await adm.get(`${world.path}/requests/nonsense`)).toMatchObject({ status: 400 });
  });

  it('keeps who reviewed readable when they are gone (RR-037)', async () => {
    const { u1, u2 } = world;
    await world.assign(u2, 'admin');
    const id = await world.asked(u1);
    await done(world.decide(u2, id, 'approved'));
    await done(app.admin.delete(`/v1/users/${u2.id}`));
    await app.settled();
    const reviewer = { type: 'user', id: u2.id, displayName: u2.name, active: false };
    expect(await world.request(id)).toMatchObject({ status: 'approved', reviewer });
  });
});

test('the routes are described with what they take, answer and refuse (RR-042)', () => {
  const { paths } = createOpenApi(app.app);
  const base = '/v1/tenants/{tenantId}/requests';
  const routes = [
    paths[base]?.post,
    paths[`${base}/{requestId}/decision`]?.post,
    paths[`${base}/{requestId}/revocation`]?.post,
    paths[base]?.get,
    paths[`${base}/{requestId}`]?.get,
  ];
  for (const route of routes) {
    const { responses, requestBody } = route!;
    const [answered] = Object.keys(responses).filter((status) => status.startsWith('2'));
    expect(responses[answered!]).toMatchObject({
      content: { 'application/json': { schema: { $ref: expect.stringContaining('Request') } } },
    });
    expect(responses['404']).toEqual({ $ref: '#/components/responses/not-found' });
    if (route !== paths[base]?.get && route !== paths[`${base}/{requestId}`]?.get) expect(requestBody).toBeDefined();
  }
  expect(Object.keys(paths[base]!.post!.responses)).toEqual(expect.arrayContaining(['201', '409', '422']));
});
