import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../libs/embedded/index.js';
import type { StoredEvent } from '../../libs/event-store/index.js';
import { until } from '../../libs/testing/index.js';
import { TcpProxy } from '../../libs/testing/tcp-proxy.js';
import { activeOf } from './fleet.js';
import { Requesters } from './requesters.js';
import type { ServerProcess } from './server-process.js';
import { Servers } from './servers.js';

const PATIENCE_MS = 90_000;

let folder: string;
let postgres: EmbeddedPostgres;
let proxy: TcpProxy;
let servers: Servers;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign-outages-'));
  postgres = await startPostgres();
  servers = await Servers.start({ DATABASE_URL: postgres.url });
  const [host, port] = servers.spicedb.endpoint.split(':') as [string, string];
  proxy = await TcpProxy.start({ host, port: Number(port) });
  servers.env['SPICEDB_ENDPOINT'] = `127.0.0.1:${proxy.address.port}`;
  await servers.migrate();
}, 120_000);

afterAll(async () => {
  await servers?.stop();
  await proxy?.stop();
  await postgres?.stop();
  await rm(folder, { recursive: true, force: true });
});

function startPostgres(port?: number): Promise<EmbeddedPostgres> {
  return startEmbeddedPostgres({ dataDir: join(folder, 'pg'), port });
}

it('X-008 whatever is killed while 200 requests are made and decided, nothing is lost and nothing is doubled', async () => {
  const apis = [servers.api(), servers.api()];
  const relays = [servers.relay(), servers.relay()];
  await until(() => activeOf(relays), PATIENCE_MS);
  const requesters = new Requesters(await Promise.all(apis.map((api) => api.listening())));
  await requesters.prepare({ people: 10, workspaces: 20 });
  const done = requesters.makeAll(8);

  await requesters.answered(50);
  await apis[0]!.kill();
  await requesters.failed(3);
  apis[0] = servers.api();
  requesters.replace(0, await apis[0].listening());

  await requesters.answered(50);
  const active = await until(() => activeOf(relays), PATIENCE_MS);
  await active.kill();
  await until(() => activeOf(others(relays, active)), PATIENCE_MS);
  relays.push(servers.relay());

  await requesters.answered(50);
  await proxy.refuse();
  await requesters.failed(10);
  await proxy.accept();

  await requesters.answered(50);
  process.kill(postgres.pid, 'SIGKILL');
  await requesters.failed(10);
  await postgres.stop();
  postgres = await startPostgres(postgres.port);

  await done;
  const { report, doubled } = await servers.verified();
  expect(report.checks.filter(({ ok }) => !ok)).toEqual([]);
  expect(report.parked.count).toBe(0);
  expect(doubled).toBe(0);
  await expectOnceEach(requesters.requests);
  await expectServing([apis[0], apis[1]!, ...others(relays, active)]);
}, 300_000);

const others = (relays: readonly ServerProcess[], not: ServerProcess): ServerProcess[] =>
  relays.filter((relay) => relay !== not);

/** Of each request its submission, its decision and its grant, once each. */
async function expectOnceEach(requests: readonly string[]): Promise<void> {
  expect(new Set(requests).size).toBe(200);
  await servers.withRuntime(async ({ log }) => {
    const events: StoredEvent[] = [];
    for (let after = -1; ; after = events.at(-1)!.position) {
      const page = await log.readAll(after, 1_000);
      if (page.length === 0) break;
      events.push(...page);
    }
    const named = (type: string, name: 'requestId' | 'source'): unknown[] =>
      events
        .filter((event) => event.type === type)
        .map(({ data }) => data[name])
        .sort();
    const ids = [...requests].sort();
    expect(named('request-submitted.v1', 'requestId')).toEqual(ids);
    expect(named('request-approved.v1', 'requestId')).toEqual(ids);
    const grants = named('role-granted.v1', 'source').filter((source) => String(source).startsWith('request:'));
    expect(grants).toEqual(ids.map((id) => `request:${id}`));
  });
}

/** Who was not killed has come through it. */
async function expectServing(processes: readonly ServerProcess[]): Promise<void> {
  for (const child of processes) {
    expect(child.alive).toBe(true);
    expect(await child.kill('SIGTERM')).toMatchObject({ code: 0, errors: '' });
  }
}
