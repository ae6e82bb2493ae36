import { apiClient } from '../../libs/testing/api-client.js';
import { until } from '../../libs/testing/index.js';
import { activeOf, Fleet, roleOf } from './fleet.js';
import { ServerProcess } from './server-process.js';
import { ADMIN_TOKEN, Servers } from './servers.js';
import { Teller } from './story.js';

let servers: Servers;
let fresh: Servers;
beforeAll(async () => {
  [fresh, servers] = await Promise.all([Servers.start(), Servers.start()]);
  await servers.migrate();
});
afterEach(() => servers.killAll());
afterAll(async () => {
  await Promise.all([fresh?.stop(), servers?.stop()]);
});

describe('before operator migrate was run', () => {
  it.each(['api', 'relay'] as const)('the %s refuses to start and says what to run', async (app) => {
    const { code, errors } = await fresh[app]().exited;
    expect(code).toBe(2);
    expect(errors).toMatch(/^countersign \w+: The tables are not of this version: 0001_.* Run: operator migrate\n$/);
  });

  it.each(['api', 'relay'] as const)(
    'the %s refuses a SpiceDB without schema.zed and says what to run',
    async (app) => {
      const { endpoint } = fresh.spicedb;
      const { code, errors } = await servers[app](undefined, { SPICEDB_ENDPOINT: endpoint }).exited;
      expect(code).toBe(2);
      expect(errors).toBe(`countersign ${app}: SpiceDB has no schema. Run: operator migrate\n`);
    },
  );
});

describe('two APIs and two relays', () => {
  const TAKEN_OVER_MS = 90_000;

  it('start at once with one installation; the other takes over from a killed relay, and from a killed API', async () => {
    const apis = [servers.api(), servers.api()];
    const relays = [servers.relay(), servers.relay()];
    await Promise.all(apis.map((api) => api.listening()));
    const created = apis.flatMap(({ logged }) => logged.filter((line) => line['created'] === true));
    expect(created).toHaveLength(1);

    const active = await until(() => activeOf(relays), TAKEN_OVER_MS);
    const standby = relays.find((relay) => relay !== active)!;
    await until(async () => (await roleOf(standby)) === 'standby', TAKEN_OVER_MS);
    await active.kill();
    const [url, otherUrl] = [await apis[0]!.listening(), await apis[1]!.listening()];
    const waiting = { prefer: 'wait=60' };
    const answer = await apiClient(url, ADMIN_TOKEN).post('/v1/tenants', { name: 'After the relay' }, waiting);
    expect(answer).toMatchObject({ status: 201, body: { effective: true } });
    expect(await roleOf(standby)).toBe('active');

    const seen = await apiClient(otherUrl, ADMIN_TOKEN).get(`/v1/tenants/${answer.body.id}`, {
      'consistency-token': answer.headers.get('consistency-token')!,
    });
    expect(seen).toMatchObject({ status: 200, body: { name: 'After the relay' } });

    await apis[0]!.kill();
    const fleet = new Fleet(servers, [apis[1]!]);
    const teller = new Teller(fleet, await fleet.start(), 'After the API');
    await teller.tell();
    expect(teller.restarts).toBe(0);

    const { report, doubled } = await servers.verified();
    expect(report.checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(doubled).toBe(0);
    for (const child of [apis[1]!, standby]) expect(await child.kill('SIGTERM')).toMatchObject({ code: 0, errors: '' });
  }, 300_000);

  it('a relay that is told to stop gives the lease up at once', async () => {
    const first = servers.relay();
    await until(async () => (await roleOf(first)) === 'active', TAKEN_OVER_MS);
    const second = servers.relay();
    await until(async () => (await roleOf(second)) === 'standby', TAKEN_OVER_MS);
    expect(await first.kill('SIGTERM')).toMatchObject({ code: 0, errors: '' });
    await servers.withRuntime(async ({ pool }) => {
      const { rows } = await pool.query<{ held: boolean }>(
        `select expires_at > clock_timestamp() and owner like $1 as held from relay_lease`,
        [`${first.pid}-%`],
      );
      expect(rows).toEqual([{ held: false }]);
    });
    await until(async () => (await roleOf(second)) === 'active', TAKEN_OVER_MS);
    await second.kill('SIGTERM');
  }, 300_000);

  it('a relay warns of read models whose rows another version wrote', async () => {
    await servers.withRuntime(({ pool }) =>
      pool.query(`update read_model_version set version = version + 1 where model = 'tenants'`),
    );
    const relay = servers.relay();
    await relay.listening();
    const warnings = relay.logged.filter(({ level }) => level === 'warn');
    expect(warnings.map(({ msg }) => msg)).toEqual([
      expect.stringMatching(/tenants .*; run: operator replay tenants$/),
    ]);
    await relay.kill('SIGTERM');
  });
});

describe('a process that cannot start', () => {
  it.each([
    ['api', { SPICEDB_PRESHARED_KEY: '' }, 'SPICEDB_PRESHARED_KEY: found nothing'],
    ['relay', { DATABASE_URL: 'mysql://db' }, 'DATABASE_URL: found a value of 10 characters (not shown)'],
    ['api', { SPICEDB_PRESHARED_KEY: 'another-key' }, 'Check that it runs, SPICEDB_ENDPOINT'],
    ['relay', { HOST: '203.0.113.1' }, 'HOST: 203.0.113.1 is no address of this machine. Set HOST'],
    ['api', { HOST: 'nowhere.invalid' }, 'HOST: nowhere.invalid is no address of this machine. Set HOST'],
  ] as const)('says why in one line: %s with %j', async (app, env, why) => {
    const { code, errors } = await servers[app](undefined, env).exited;
    expect(code).toBeGreaterThan(0);
    expect(errors).toContain(why);
    expect(errors.trimEnd()).toMatch(/^countersign (api|relay): [^\n]*$/);
  });

  it('names the port that is taken', async () => {
    const first = servers.api();
    const { port } = new URL(await first.listening());
    const { code, errors } = await servers.api(undefined, { PORT: port }).exited;
    expect(code).toBe(2);
    expect(errors).toBe(`countersign api: PORT: ${port} is taken by another process. Set PORT to a free port.\n`);
    expect(await first.kill('SIGTERM')).toMatchObject({ code: 0, errors: '' });
  });

  it('waits for servers that do not answer yet, and stops at once when it is told to', async () => {
    const waiting = servers.relay(undefined, { DATABASE_URL: 'postgres://nobody@127.0.0.1:9/none' });
    await until(() => waiting.logged.some(({ msg }) => msg === 'waits for a server that does not answer'));
    expect(await waiting.kill('SIGTERM')).toMatchObject({ code: 0, errors: '' });
  });
});

describe('a relay whose place in the log is gone', () => {
  it('ends with why, instead of following another log', async () => {
    await servers.withRuntime(({ pool }) =>
      pool.query(`update relay_checkpoint set incarnation = '00000000-0000-4000-8000-000000000000'`),
    );
    const { code, errors } = await servers.relay().exited;
    await servers.withRuntime(async ({ pool, log }) =>
      pool.query('update relay_checkpoint set incarnation = $1', [await log.incarnation()]),
    );
    expect(code).toBe(1);
    expect(errors).toMatch(/^countersign relay: the read side follows the log [^\n]*restore the log\n$/);
  }, 120_000);
});

describe('a schema of SpiceDB that is not that of this version', () => {
  const NEWER = '9999_of_a_newer_version';
  const whileSchemaLacks = (what: string, work: () => Promise<void>) =>
    servers.withRuntime(async ({ spicedb, pool }) => {
      const ours = await spicedb.readSchema();
      await spicedb.writeSchema(ours!.replace(what, ''));
      await work();
      await spicedb.writeSchema(ours!);
      await pool.query('delete from kysely_migration where name = $1', [NEWER]);
    });

  it('is refused, but where a newer version has migrated it: then it is only warned of', async () => {
    const rule = (await servers.withRuntime(({ spicedb }) => spicedb.readSchema()))!;
    const [permission] = /\n\s*permission check\w* = .*$/m.exec(rule) ?? /\n\s*permission \w+ = .*$/m.exec(rule)!;
    await whileSchemaLacks(permission, async () => {
      const { code, errors } = await servers.api().exited;
      expect(code).toBe(2);
      expect(errors).toContain(`it lacks: definition`);
      expect(errors).toContain('Run: operator migrate');
      await servers.withRuntime(({ pool }) =>
        pool.query('insert into kysely_migration (name, timestamp) values ($1, $2)', [NEWER, '2099-01-01']),
      );
      const [api, relay] = [servers.api(), servers.relay()];
      for (const child of [api, relay]) {
        await child.listening();
        const { msg } = child.logged.find(({ level }) => level === 'warn')!;
        expect(msg).toBe('a newer version has migrated what this one works on');
        expect(await child.kill('SIGTERM')).toMatchObject({ code: 0, errors: '' });
      }
    });
  }, 120_000);
});

describe('in production', () => {
  it.each(['api', 'relay'] as const)('the %s refuses to start with a development token', async (app) => {
    const { code, errors } = await servers[app](undefined, { NODE_ENV: 'production' }).exited;
    expect(code).toBe(2);
    for (const name of ['ADMIN_TOKEN', 'TOKEN_PEPPER', 'SIGNING_KEY']) expect(errors).toContain(` ${name}: found `);
  });

  it('nothing starts the embedded servers', async () => {
    const standalone = new ServerProcess('apps/standalone/main.js', { NODE_ENV: 'production' });
    const { code, errors } = await standalone.exited;
    expect(code).toBe(1);
    for (const name of ['DATABASE_URL', 'SPICEDB_ENDPOINT']) expect(errors).toContain(` ${name}: found nothing`);
  });
});
