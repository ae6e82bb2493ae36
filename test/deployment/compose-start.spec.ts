import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { projectPath } from '../../libs/embedded/index.js';
import { until } from '../../libs/testing/index.js';
import { type EventStoreDbDouble, startEventStoreDbDouble } from '../../libs/testing/eventstoredb-double/index.js';
import { ServerProcess } from '../faults/server-process.js';
import { Servers } from '../faults/servers.js';
import { runOperator } from '../../apps/operator/operator.fixture.js';
import { commandOf, composeWith, type Service } from './compose.js';

const KEY = '5p1ced8a0123456789abcdef01234567';
const SECRETS = {
  POSTGRES_PASSWORD: 'c0ffee5eed0123456789abcdef012345',
  SPICEDB_PRESHARED_KEY: KEY,
  TOKEN_PEPPER: 'b2f1c0d9e8a7f6b5c4d3e2f1a0b9c8d7',
  SIGNING_KEY: '0f1e2d3c4b5a69788796a5b4c3d2e1f0',
  PERSONAL_DATA_KEYS: 'first:SGZ2cDE5WnhRYjNMdDdLZDhSd05tNFlqMkVhVXM2R2M=',
  OIDC_ISSUER: 'https://id.example.org',
  OIDC_AUDIENCE: 'countersign',
};

const { services } = composeWith(SECRETS);
let double: EventStoreDbDouble;
let servers: Servers;
const started: ServerProcess[] = [];

beforeAll(async () => {
  [double, servers] = await Promise.all([startEventStoreDbDouble(), Servers.start({}, KEY)]);
});
afterAll(async () => {
  await Promise.all(started.map((child) => child.kill()));
  await servers?.stop();
  await double?.stop();
});

/** Exactly what the compose file gives, at the addresses of here. */
function environmentOf({ environment }: Service): Record<string, string> {
  const addresses = {
    DATABASE_URL: servers.database.url,
    EVENTSTORE_URL: double.url,
    SPICEDB_ENDPOINT: servers.spicedb.endpoint,
  };
  for (const name of Object.keys(addresses)) expect(environment).toHaveProperty(name);
  return { ...environment, ...addresses, HOST: '127.0.0.1', PORT: '0', RELAY_PORT: '0', SHUTDOWN_DELAY_MS: '0' };
}

function start(name: 'api' | 'relay'): ServerProcess {
  const service = services[name]!;
  const [node, script] = commandOf(service.build!.target, service.command) as [string, string];
  expect(node).toBe('node');
  const child = new ServerProcess(script.replace(/^dist\//, ''), environmentOf(service));
  started.push(child);
  return child;
}

/** The health check of the compose file, in the place of the process. */
async function isHealthy(name: 'api' | 'relay', url: string): Promise<boolean> {
  const [kind, command, ...args] = services[name]!.healthcheck!.test as [string, string, ...string[]];
  expect(kind).toBe('CMD');
  const { port } = new URL(url);
  const env = { PATH: process.env['PATH'], [name === 'api' ? 'PORT' : 'RELAY_PORT']: port };
  return promisify(execFile)(command, args, { env, cwd: projectPath('.') }).then(
    () => true,
    () => false,
  );
}

test('what the compose file starts, with its variables alone, is migrated, healthy, and works', async () => {
  const migrate = services['migrate']!;
  const [, , ...args] = commandOf(migrate.build!.target, migrate.command);
  const env = environmentOf(migrate);
  expect(await runOperator(args, env)).toMatchObject({ code: 0, errors: '' });

  const [api, relay, standby] = [start('api'), start('relay'), start('relay')];
  const [apiUrl, relayUrl] = await Promise.all([api.listening(), relay.listening(), standby.listening()]);
  await until(() => isHealthy('api', apiUrl));
  await until(() => isHealthy('relay', relayUrl));
  expect(await isHealthy('api', relayUrl.replace(/\d+$/, '9'))).toBe(false);
  expect((await fetch(`${apiUrl}/v1/me`)).status).toBe(401);

  const admin = ['--issuer', SECRETS.OIDC_ISSUER, '--subject', 'ada', '--display-name', 'Ada', '--json'];
  const made = await runOperator(['bootstrap-admin', ...admin], env);
  expect(made).toMatchObject({ code: 0, errors: '' });
  expect(await runOperator(['verify'], env)).toMatchObject({ code: 0, errors: '' });
  expect(await runOperator(['status'], env)).toMatchObject({ code: 0, errors: '' });

  for (const child of [api, relay, standby]) expect(await child.kill('SIGTERM')).toMatchObject({ code: 0, errors: '' });
  for (const { logged } of started) expect(logged.filter(({ level }) => level !== 'info')).toEqual([]);
}, 300_000);
