import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { runOperator } from '../../apps/operator/operator.fixture.js';
import { exportAudit, isIntact, verifyExport } from '../../libs/audit-log/index.js';
import { compiledPath } from '../../libs/embedded/index.js';
import { apiClient } from '../../libs/testing/api-client.js';
import { until } from '../../libs/testing/index.js';
import type { FaultPoint } from '../../libs/wiring/index.js';
import { Fleet, roleOf } from './fleet.js';
import type { ServerProcess } from './server-process.js';
import { ADMIN_TOKEN, Servers } from './servers.js';
import { Teller } from './story.js';

/** Point, and the how-manieth passage of it kills. */
const KILLS_OF_API: [FaultPoint, number][] = [
  ['before-append', 5],
  ['after-append', 3],
  ['before-follow-up', 3],
];
const KILLS_OF_RELAY: [FaultPoint, number][] = [
  ['in-transaction', 4],
  ['after-commit', 3],
  ['before-delivery', 3],
  ['after-delivery', 3],
];
const TAKEN_OVER_MS = 90_000;

let servers: Servers;
beforeAll(async () => {
  servers = await Servers.start();
  await servers.migrate();
  // Sets the installation up, so that the passages counted are those of the story.
  await servers.api().listening();
  await servers.killAll();
});
afterEach(() => servers.killAll());
afterAll(() => servers?.stop());

async function expectAllAsTheLogSays(): Promise<void> {
  const { report, doubled } = await servers.verified();
  expect(report.checks.filter(({ ok }) => !ok)).toEqual([]);
  expect(report.parked.count).toBe(0);
  expect(doubled).toBe(0);
}

async function activeRelay(): Promise<ServerProcess> {
  const relay = servers.relay();
  await until(async () => (await roleOf(relay)) === 'active', TAKEN_OVER_MS);
  return relay;
}

test.each(KILLS_OF_API)(
  'an API killed %s (passage %i) loses and doubles nothing',
  async (point, count) => {
    const relay = await activeRelay();
    const faulty = servers.api(`${point}:${count}`);
    const other = servers.api();
    const fleet = new Fleet(servers, [faulty, other]);
    const teller = new Teller(fleet, await fleet.start(), `API killed ${point}`);
    await teller.tell();
    expect(await faulty.exited).toMatchObject({ signal: 'SIGKILL' });
    expect(teller.restarts).toBe(1);
    await expectAllAsTheLogSays();
    for (const child of [other, relay]) expect(await child.kill('SIGTERM')).toMatchObject({ code: 0, errors: '' });
  },
  300_000,
);

test.each(KILLS_OF_RELAY)(
  'a relay killed %s (passage %i) loses and doubles nothing',
  async (point, count) => {
    const api = servers.api();
    await api.listening();
    const faulty = servers.relay(`${point}:${count}`);
    await until(async () => !faulty.alive || (await roleOf(faulty)) === 'active', TAKEN_OVER_MS);
    const standby = servers.relay();
    const fleet = new Fleet(servers, [api]);
    const teller = new Teller(fleet, await fleet.start(), `Relay killed ${point}`);
    await teller.tell();
    expect(await faulty.exited).toMatchObject({ signal: 'SIGKILL' });
    expect(teller.restarts).toBe(0);
    await expectAllAsTheLogSays();
    for (const child of [api, standby]) expect(await child.kill('SIGTERM')).toMatchObject({ code: 0, errors: '' });
  },
  300_000,
);

describe('an erasure', () => {
  interface Person {
    name: string | null;
    key: Buffer | null;
  }
  const personOf = (userId: string): Promise<Person> =>
    servers.withRuntime(async ({ pool }) => {
      const { rows } = await pool.query<Person>(
        `select display_name as name, wrapped_key as key from app_user join subject_key on subject = 'user:' || id
         where id = $1`,
        [userId],
      );
      return rows[0]!;
    });
  const intactExport = () =>
    servers.withRuntime(async ({ pool, domain }) => {
      const to = new PassThrough();
      const content = buffer(to);
      await exportAudit({ pool, to, exportedAt: new Date('2026-02-01T00:00:00.000Z') });
      return isIntact(await verifyExport(Readable.from([await content]), { mapping: domain.audit }));
    });

  it.each([
    ['before the key is destroyed', 'in-transaction:1', false],
    ['right after the key was destroyed', 'after-commit:1', true],
  ])(
    'whose relay is killed %s is completed by the next one, and every chain verifies',
    async (_when, fault, destroyed) => {
      const api = servers.api();
      const admin = apiClient(await api.listening(), ADMIN_TOKEN);
      const first = await activeRelay();
      const userId = await until(async () => {
        const { body } = await admin.post('/v1/users', { displayName: 'Euphemia' }, { 'idempotency-key': fault });
        return body.id as string | undefined;
      }, TAKEN_OVER_MS);
      await until(async () => (await personOf(userId))?.name === 'Euphemia');
      expect(await first.kill('SIGTERM')).toMatchObject({ code: 0, errors: '' });

      expect((await servers.operator('erase', userId, '--yes')).code).toBe(1);
      expect(await servers.relay(fault).exited).toMatchObject({ signal: 'SIGKILL' });
      const left = await personOf(userId);
      if (destroyed) expect(left).toEqual({ name: null, key: null });
      else expect(left).toEqual({ name: 'Euphemia', key: expect.any(Buffer) });

      const next = await activeRelay();
      await until(async () => (await personOf(userId)).key === null);
      await expectAllAsTheLogSays();
      expect(await personOf(userId)).toEqual({ name: null, key: null });
      expect(await intactExport()).toBe(true);
      for (const child of [api, next]) expect(await child.kill('SIGTERM')).toMatchObject({ code: 0, errors: '' });
    },
    300_000,
  );
});

describe('operator replay', () => {
  const countTenants = () =>
    servers.withRuntime(async ({ pool }) => {
      const { rows } = await pool.query<{ count: number }>('select count(*)::int as count from tenant');
      return rows[0]!.count;
    });

  const replayKilled = (after: string) =>
    runOperator(['replay', 'all'], {
      ...servers.env,
      KILL_AFTER: after,
      NODE_OPTIONS: `--import=${pathToFileURL(compiledPath('test/faults/kill-in-sql.js')).href}`,
    });

  it.each([
    ['before the tables change places', 'lock table', false],
    ['when they have changed places, before that is committed', 'delete from replay_run', false],
    ['right after that was committed', 'delete from replay_run;commit', true],
  ])(
    'killed %s, is done again and all is as the log says',
    async (_when, after, switched) => {
      const relay = await activeRelay();
      const api = servers.api();
      await api.listening();
      const before = await countTenants();
      expect(before).toBeGreaterThan(0);
      await servers.withRuntime(({ pool }) => pool.query(`delete from tenant where name = 'default'`));

      expect((await replayKilled(after)).code).toBeNull();
      expect(await countTenants()).toBe(switched ? before : before - 1);

      const fleet = new Fleet(servers, [api]);
      await new Teller(fleet, await fleet.start(), `Replay killed ${after}`).tell();
      expect(await servers.operator('replay', 'all')).toMatchObject({ code: 0, errors: '' });
      await expectAllAsTheLogSays();
      for (const child of [api, relay]) expect(await child.kill('SIGTERM')).toMatchObject({ code: 0, errors: '' });
    },
    300_000,
  );
});
