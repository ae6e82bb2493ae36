import type { RelayPoint } from '../../apps/relay/relay.js';
import type { AnswerBody } from '../../libs/testing/api-client.js';
import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';
import { until } from '../../libs/testing/until.js';
import {
  aTenant,
  aUserWithToken,
  aWorkspace,
  done,
  Gate,
  type Person,
  relationships,
  tenantEvents,
  type TestTenant,
  stopChecked,
} from './world.js';

let app: TestApp;
let tenant: TestTenant;
let workspace: string;
let person: Person;
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
  person = await aUserWithToken(app);
});

const soon = (ms: number): string => new Date(Date.now() + ms).toISOString();
const give = (role: string, end: string | null, path = `${tenant.path}/workspaces/${workspace}/members`) =>
  done(tenant.owner.post(path, { userId: person.id, role, until: end }));
const mayView = (): Promise<boolean> =>
  app.runtime.spicedb.check(
    { resource: `workspace:${workspace}`, permission: 'view', subject: `user:${person.id}` },
    { full: true },
  );
const endings = async (): Promise<object[]> =>
  (await tenantEvents(app, tenant.id))
    .filter(({ type }) => type === 'role-ended.v1' || type === 'tenant-admin-ended.v1')
    .map(({ data }) => data);

describe('a role with an end', () => {
  it('ends in SpiceDB by itself; the event follows, and takes the relationship', async () => {
    const end = soon(1_500);
    const given = await give('editor', end);
    expect(given.body.roles).toEqual([{ role: 'editor', until: end, sources: ['direct'] }]);
    // A machine that took so long to give it has nothing left to see.
    expect((await mayView()) || Date.now() > Date.parse(end)).toBe(true);
    await until(async () => !(await mayView()));
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(end) - 1_000);
    const [ended] = await until(async () => (await endings()).length > 0 && endings());
    expect(ended).toMatchObject({ role: 'editor', sources: ['direct'], reason: 'expired', rolesAfter: [] });
    expect(await relationships(app, 'workspace', person.id)).toEqual([]);
    const { rows } = await app.runtime.pool.query('select 1 from relationship_source where subject = $1', [
      `user:${person.id}`,
    ]);
    expect(rows).toEqual([]);
    expect((await person.get(`${tenant.path}/workspaces/${workspace}`)).status).toBe(404);
  });

  it('ends in time though the relay is away, and is not listed any more', async () => {
    const end = soon(1_200);
    await give('member', end);
    gate.hold('in-transaction');
    try {
      await done(
        tenant.owner.post(`${tenant.path}/workspaces`, { name: 'held', parentId: tenant.rootId }, { prefer: 'wait=0' }),
      );
      await until(async () => !(await mayView()));
      // PostgreSQL, SpiceDB and this process read the same clock, but not at the same time.
      await until(() => Date.now() > Date.parse(end));
      const { body } = await done(tenant.owner.get(`${tenant.path}/workspaces/${workspace}/members`));
      expect(body.items!.map(({ subject }: AnswerBody) => subject.id)).toEqual([tenant.owner.id]);
      expect((await person.get(`${tenant.path}/workspaces/${workspace}`)).status).toBe(404);
    } finally {
      gate.open();
    }
    await until(async () => (await endings()).length === 1);
  });

  it('is prolonged by giving it again with a later one, or with none', async () => {
    await give('editor', soon(1_500));
    const later = soon(3_600_000);
    expect((await give('editor', later)).body.roles).toEqual([{ role: 'editor', until: later, sources: ['direct'] }]);
    expect((await give('editor', null)).body.roles).toEqual([{ role: 'editor', until: null, sources: ['direct'] }]);
    const other = await aUserWithToken(app);
    const end = soon(1_500);
    await done(
      tenant.owner.post(`${tenant.path}/workspaces/${workspace}/members`, {
        userId: other.id,
        role: 'member',
        until: end,
      }),
    );
    await until(async () => (await endings()).length === 1);
    expect(await mayView()).toBe(true);
    expect(await endings()).toEqual([expect.objectContaining({ subject: { type: 'user', id: other.id } })]);
  });

  it('as a tenant admin ends with what follows from it; who has no end remains', async () => {
    await give('admin', soon(1_500), `${tenant.path}/members`);
    expect(await relationships(app, 'workspace', `workspace:${tenant.rootId}#admin@user:${person.id}`)).toHaveLength(1);
    const [ended] = await until(async () => (await endings()).length > 0 && endings());
    expect(ended).toMatchObject({ userId: person.id, sources: ['direct'], reason: 'expired', stillAdmin: false });
    expect(await relationships(app, 'workspace', `workspace:${tenant.rootId}#admin@user:${person.id}`)).toEqual([]);
    expect((await tenant.owner.get(`${tenant.path}/members`)).body.items).toHaveLength(1);
  });

  it('that comes to its end before it is delivered is delivered as the end it is', async () => {
    const end = soon(1_500);
    gate.hold('before-delivery');
    try {
      await done(
        tenant.owner.post(
          `${tenant.path}/workspaces/${workspace}/members`,
          { userId: person.id, role: 'editor', until: end },
          { prefer: 'wait=0' },
        ),
      );
      await until(() => Date.now() > Date.parse(end) + 300);
    } finally {
      gate.open();
    }
    await until(async () => (await endings()).length === 1);
    expect(await relationships(app, 'workspace', person.id)).toEqual([]);
    const { rows } = await app.runtime.pool.query(`select 1 from parked where status = 'parked'`);
    expect(rows).toEqual([]);
  });

  it('past its end is not held: a new one may be given at once', async () => {
    await give('editor', soon(1_000));
    await until(async () => !(await mayView()));
    expect((await give('member', null)).body.roles).toEqual([{ role: 'member', until: null, sources: ['direct'] }]);
    await until(async () => (await endings()).length === 1);
    expect(await relationships(app, 'workspace', person.id)).toEqual([
      `workspace:${workspace}#member@user:${person.id}`,
    ]);
  });
});
