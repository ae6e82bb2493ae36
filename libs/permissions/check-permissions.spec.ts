import { ADA, BOB, CHILD, ROOT, TENANT } from '../verification/world.fixture.js';
import { HttpWorld } from '../verification/http-world.fixture.js';
import { PermissionsController } from './index.js';

const EVE = '01JQ0000000000000000000E01';
const ROBOT = '01JQ0000000000000000000S01';
const CHECKER = '01JQ0000000000000000000C01';
const MISSING = '01JQ00000000000000000000X1';
const OTHER_TENANT = '01JQ0000000000000000000T02';
const OTHER_WORKSPACE = '01JQ0000000000000000000W09';

let http: HttpWorld;

beforeAll(async () => {
  http = await HttpWorld.start(PermissionsController);
  const { world } = http;
  await world.tenant();
  const want = (resource: string, relation: string, subject: string) => ({
    want: { resource, relation, subject },
    source: 'x',
  });
  await world.sample({
    sources: [
      want(`workspace:${CHILD}`, 'editor', `service_account:${ROBOT}`),
      want(`tenant:${TENANT}`, 'member', `user:${EVE}`),
      want(`workspace:${CHILD}`, 'member', `user:${EVE}`),
      want('system:installation', 'checker', `service_account:${CHECKER}`),
    ],
  });
  await world.append(
    `workspaces-${OTHER_TENANT}`,
    [
      {
        type: 'workspace-created.v1',
        data: {
          tenantId: OTHER_TENANT,
          workspaceId: OTHER_WORKSPACE,
          name: 'R',
          parentId: null,
          creatorId: null,
          at: '2026-01-01T00:00:00.000Z',
        },
      },
    ],
    OTHER_TENANT,
  );
  await world.sample({ sources: [want(`workspace:${OTHER_WORKSPACE}`, 'admin', `user:${BOB}`)] }, OTHER_TENANT);
  await http.relay();
});
afterAll(() => http?.stop());

const workspace = (id: string) => ({ type: 'workspace', id });
const user = (id: string) => ({ type: 'user', id });
const check = (as: string, body: unknown) => http.post(as, '/v1/permissions/check', body);
const allowed = async (as: string, question: object) => (await check(as, question)).body.allowed;

describe('checking one’s own permissions', () => {
  it.each([
    [`user:${ADA}`, workspace(ROOT), 'manage', true],
    [`user:${ADA}`, workspace(CHILD), 'view', true],
    [`user:${ADA}`, workspace(CHILD), 'manage', false],
    [`user:${ADA}`, workspace(CHILD.toLowerCase()), 'view', true],
    [`user:${EVE}`, { type: 'tenant', id: TENANT }, 'view', true],
    [`user:${EVE}`, { type: 'tenant', id: TENANT }, 'manage', false],
    [`service_account:${ROBOT}`, workspace(CHILD), 'edit', true],
    [`service_account:${CHECKER}`, { type: 'system', id: 'installation' }, 'check', true],
    [`user:${ADA}`, { type: 'system', id: 'installation' }, 'check', false],
  ])('anyone may: %s, %j, %s', async (as, resource, permission, expected) => {
    const answer = await check(as, { resource, permission });
    expect(answer).toMatchObject({ status: 200, body: { allowed: expected } });
  });

  it('is the same when one names oneself', async () => {
    const question = { resource: workspace(CHILD), permission: 'view', subject: user(EVE.toLowerCase()) };
    expect(await allowed(`user:${EVE}`, question)).toBe(true);
  });

  it.each([
    ['missing', workspace(MISSING), 'view'],
    ['of another tenant', workspace(OTHER_WORKSPACE), 'view'],
    ['of an unknown type', { type: 'spaceship', id: MISSING }, 'view'],
    ['of an unknown type, with any id', { type: 'Document!', id: 'read me' }, 'view'],
    ['internal', { type: 'relay_mark', id: 'p0' }, 'position'],
    ['another installation', { type: 'system', id: 'elsewhere' }, 'check'],
    ['subject to an unknown permission', workspace(ROOT), 'fly'],
    ['subject to what is no permission at all', workspace(ROOT), 'view; drop table'],
  ])('is denied, not refused, on what is %s', async (_name, resource, permission) => {
    const answer = await check(`user:${ADA}`, { resource, permission });
    expect(answer).toMatchObject({ status: 200, body: { allowed: false } });
  });
});

describe('checking the permissions of others', () => {
  const evesView = { resource: workspace(CHILD), permission: 'view', subject: user(EVE) };

  it('is for admins of the resource’s tenant', async () => {
    expect(await allowed(`user:${ADA}`, evesView)).toBe(true);
    expect(await allowed(`user:${ADA}`, { ...evesView, permission: 'edit' })).toBe(false);
    expect(await allowed(`user:${BOB}`, { ...evesView, resource: { type: 'tenant', id: TENANT } })).toBe(true);
  });

  it('is for who may check everything in the installation', async () => {
    expect(await allowed(`service_account:${CHECKER}`, evesView)).toBe(true);
    const bobs = { resource: workspace(OTHER_WORKSPACE), permission: 'manage', subject: user(BOB) };
    expect(await allowed(`service_account:${CHECKER}`, bobs)).toBe(true);
    const own = { resource: { type: 'system', id: 'installation' }, permission: 'check' };
    expect(await allowed(`service_account:${CHECKER}`, { ...own, subject: user(ADA) })).toBe(false);
  });

  it('is forbidden to others who can see the resource', async () => {
    const { status, body } = await check(`user:${EVE}`, { ...evesView, subject: user(ADA) });
    expect({ status, ...body }).toMatchObject({ status: 403, code: 'forbidden', field: 'subject' });
    const system = { resource: { type: 'system', id: 'installation' }, permission: 'administrate', subject: user(ADA) };
    expect((await check(`user:${EVE}`, system)).status).toBe(403);
  });

  it('is denied on what one cannot see, whether it exists or not', async () => {
    const [foreign, missing] = [workspace(OTHER_WORKSPACE), workspace(MISSING)];
    for (const resource of [foreign, missing, { type: 'tenant', id: OTHER_TENANT }, { type: 'tenant', id: MISSING }]) {
      const answer = await check(`user:${ADA}`, { resource, permission: 'manage', subject: user(BOB) });
      expect(answer).toMatchObject({ status: 200, body: { allowed: false } });
    }
  });

  it('is denied on types that belong to no tenant', async () => {
    const question = { resource: { type: 'spaceship', id: MISSING }, permission: 'fly', subject: user(BOB) };
    expect(await allowed(`user:${ADA}`, question)).toBe(false);
    expect(await allowed(`service_account:${CHECKER}`, question)).toBe(false);
  });
});

describe('checking many at once', () => {
  it('answers each, in their order', async () => {
    const checks = [
      { resource: workspace(CHILD), permission: 'view' },
      { resource: workspace(CHILD), permission: 'manage' },
      { resource: workspace(MISSING), permission: 'view' },
      { resource: workspace(CHILD), permission: 'view', subject: user(EVE) },
      { resource: workspace(OTHER_WORKSPACE), permission: 'manage', subject: user(BOB) },
      { resource: workspace(CHILD), permission: 'edit', subject: { type: 'service_account', id: ROBOT } },
      { resource: { type: 'spaceship', id: 'x' }, permission: 'fly' },
    ];
    const { status, body } = await check(`user:${ADA}`, { checks });
    expect(status).toBe(200);
    const expected = [true, false, false, true, false, true, false];
    expect(body).toEqual({ results: expected.map((answer) => ({ allowed: answer })) });
  });

  it('takes up to a hundred', async () => {
    const checks = Array.from({ length: 100 }, () => ({ resource: workspace(CHILD), permission: 'view' }));
    const { body } = await check(`user:${ADA}`, { checks });
    expect(body.results).toHaveLength(100);
    const more = await check(`user:${ADA}`, { checks: [...checks, checks[0]] });
    expect({ status: more.status, ...more.body }).toMatchObject({ status: 422, field: 'checks' });
  });
});

describe('a malformed check', () => {
  const good = { resource: workspace(CHILD), permission: 'view' };
  it.each([
    ['resource.id', { resource: workspace('42'), permission: 'view' }],
    ['resource.id', { resource: { type: 'tenant', id: `${TENANT}0` }, permission: 'view' }],
    ['checks.1.resource.id', { checks: [good, { ...good, resource: workspace('42') }] }],
    ['subject.id', { ...good, subject: user('42') }],
    ['checks.0.subject.id', { checks: [{ ...good, subject: user('42') }] }],
    ['subject.type', { ...good, subject: { type: 'group', id: ADA } }],
    ['resource', { permission: 'view' }],
    ['permission', { resource: workspace(CHILD) }],
    ['permission', { resource: workspace(CHILD), permission: 7 }],
    ['resource', {}],
    ['checks', { checks: [] }],
    ['checks', { checks: null }],
    ['checks', { checks: 'all' }],
    ['checks.0.resource', { checks: [{ permission: 'view' }] }],
    ['resource', { checks: [good], resource: workspace(CHILD) }],
    ['subject', { checks: [good], subject: user(ADA) }],
    ['subject', { ...good, subject: null }],
    ['context', { ...good, context: {} }],
  ])('is refused, naming %s', async (field, body) => {
    const answer = await check(`user:${ADA}`, body);
    expect({ status: answer.status, ...answer.body }).toMatchObject({ status: 422, code: 'invalid', field });
  });
});

describe('the freshness of a check', () => {
  it('is that of what the caller has seen', async () => {
    const { world } = http;
    const subject = `user:${MISSING}`;
    const sources = [{ want: { resource: `workspace:${CHILD}`, relation: 'editor', subject }, source: 'x' }];
    const position = await world.sample({ sources });
    const token = await http.token(position, 'c');
    const asked = http.post(
      subject,
      '/v1/permissions/check',
      { resource: workspace(CHILD), permission: 'edit' },
      {
        'consistency-token': token,
      },
    );
    await world.relay();
    expect((await asked).body).toEqual({ allowed: true });
  });
});

describe('without SpiceDB', () => {
  it('nothing is guessed', async () => {
    await http.world.stopSpiceDb();
    const answer = await check(`user:${ADA}`, { resource: workspace(CHILD), permission: 'view' });
    expect(answer).toMatchObject({ status: 503, body: { code: 'dependency-unavailable' } });
    expect(answer.headers).toHaveProperty(['retry-after']);
  });
});
