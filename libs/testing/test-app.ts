import { readFile } from 'node:fs/promises';
import { CommandBus } from '@nestjs/cqrs';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { pino } from 'pino';
import { collectSamples } from '../../apps/generate/event-samples.js';
import { createApi } from '../../apps/api/start-api.js';
import type { Relay, RelayOptions } from '../../apps/relay/relay.js';
import { exposeRelay } from '../../apps/relay/relay-metrics.js';
import { createRelay } from '../../apps/relay/start-relay.js';
import { SpiceDb } from '../authorization/index.js';
import { type EmbeddedSpiceDb, projectPath, startEmbeddedSpiceDb } from '../embedded/index.js';
import { type Initialised, initialiseInstallation } from '../installation/index.js';
import { refillRelationships } from '../outbox/index.js';
import { type Clock, createLogger, loadConfig } from '../platform/index.js';
import { closeRuntime, openRuntime, type Runtime } from '../wiring/index.js';
import { type ApiClient, apiClient } from './api-client.js';
import { databaseAsText, refuseFaults, SecretWatch } from './secret-watch.js';
import { createTestDatabase } from './test-database.js';
import { PATIENCE_MS } from './until.js';

export const TEST_ADMIN_TOKEN = 'csn_admin_for_tests';
const SPICEDB_KEY = 'a-key-for-tests';
const MODE = { mode: 'standalone' } as const;

export interface TestAppOptions {
  clock?: Clock;
  env?: Record<string, string>;
  /** With the pages to read the API's document. */
  docs?: boolean;
  /** Fault points of the relay. */
  at?: RelayOptions['at'];
}

/** The whole product in the test's process: API and relay on a database and a SpiceDB of their own. */
export interface TestApp {
  url: string;
  runtime: Runtime;
  app: NestFastifyApplication;
  relay: Relay;
  spicedb: EmbeddedSpiceDb;
  installation: Initialised;
  /** Lines the product logged. */
  logged: string[];
  /** Calls with the installation's administrator. */
  admin: ApiClient;
  /** Calls with another token, or none. */
  as(token?: string): ApiClient;
  /** Resolves when everything in the log is projected and delivered. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

export async function startTestSpiceDb(): Promise<EmbeddedSpiceDb> {
  return startEmbeddedSpiceDb({ presharedKey: SPICEDB_KEY });
}

/** Writes the schema and what the database wants into a fresh SpiceDB, and opens it. */
export async function fillTestSpiceDb(embedded: EmbeddedSpiceDb, { pool }: Pick<Runtime, 'pool'>): Promise<void> {
  const spicedb = new SpiceDb({
    endpoint: embedded.privateEndpoint,
    presharedKey: embedded.privateKey,
    tls: false,
  });
  await spicedb.writeSchema(await readFile(projectPath('schema.zed'), 'utf8'));
  await refillRelationships(pool, spicedb, 0);
  spicedb.close();
  await embedded.open();
}

export async function startTestApp({ clock, env = {}, docs = false, at }: TestAppOptions = {}): Promise<TestApp> {
  const [database, spicedb] = await Promise.all([createTestDatabase(), startTestSpiceDb()]);
  const servers = {
    DATABASE_URL: database.url,
    SPICEDB_ENDPOINT: spicedb.endpoint,
    SPICEDB_PRESHARED_KEY: SPICEDB_KEY,
  };
  const given = { ...servers, ADMIN_TOKEN: TEST_ADMIN_TOKEN, LOG_LEVEL: 'trace', ...env };
  const config = loadConfig(given, MODE);
  const watch = new SecretWatch(config, given);
  const runtime = await openRuntime(config, { name: 'test', clock });
  await fillTestSpiceDb(spicedb, runtime);
  const { logged, logger } = collectingLogger(config.logLevel);
  const app = await createApi(runtime, { logger, docs });
  const relay = createRelay(runtime, app, { logger, at });
  exposeRelay(runtime, relay);
  relay.start();
  const installation = await initialiseInstallation(app.get(CommandBus), config, runtime.clock, runtime.ids);
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  const as = (token?: string): ApiClient => {
    watch.knows(token);
    return apiClient(url, token, (...answered) => watch.answered(...answered));
  };
  const settled = async (): Promise<void> => {
    if (await runtime.progress.waitFor('delivered', await runtime.log.head(), PATIENCE_MS)) return;
    throw new Error(`not delivered within ${PATIENCE_MS} ms:\n${logged.slice(-20).join('')}`);
  };
  await settled();
  const stop = async (): Promise<void> => {
    // How golden samples come to be: npm test -- test/e2e, with GOLDEN_SAMPLES=1.
    const metrics = await runtime.metrics.text();
    if (process.env['GOLDEN_SAMPLES']) await collectSamples(runtime);
    await app.close();
    await relay.stop();
    await closeRuntime(runtime);
    await spicedb.stop();
    const stored = await databaseAsText(database.url);
    await database.drop();
    const logs = [
      { place: 'the log', text: logged.join(''), log: true },
      { place: 'the metrics', text: metrics, log: true },
    ];
    refuseFaults(watch.faults([...logs, ...stored]));
  };
  return { url, runtime, app, relay, spicedb, installation, logged, admin: as(TEST_ADMIN_TOKEN), as, settled, stop };
}

function collectingLogger(level: string) {
  const logged: string[] = [];
  const destination = { write: (line: string) => void logged.push(line) } as pino.DestinationStream;
  return { logged, logger: createLogger({ level, name: 'test', destination }) };
}
