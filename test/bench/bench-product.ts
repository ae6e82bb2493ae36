import type { INestApplicationContext } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { createApi } from '../../apps/api/start-api.js';
import { createCommandContext, createRelay } from '../../apps/relay/start-relay.js';
import { SupervisedSpiceDb } from '../../apps/standalone/supervised-spicedb.js';
import { projectPath } from '../../libs/embedded/index.js';
import { type Initialised, initialiseInstallation } from '../../libs/installation/index.js';
import { createLogger, loadConfig, migrate } from '../../libs/platform/index.js';
import { adoptVersions } from '../../libs/projections/index.js';
import { closeRuntime, openRuntime, type Runtime } from '../../libs/wiring/index.js';
import { startConstantSpiceDb } from './constant-spicedb.js';

/** The command handlers and an active relay in this process, on a database and a SpiceDB. */
export interface BenchProduct {
  runtime: Runtime;
  context: INestApplicationContext;
  installation: Initialised;
  close(): Promise<void>;
}
/** The same with its HTTP API. */
export interface BenchApi extends BenchProduct {
  url: string;
}

type SpiceDbKind = 'embedded' | 'constant';
interface OpenedSpiceDb {
  endpoint: string;
  serve(runtime: Runtime): Promise<void>;
  stop(): Promise<void>;
}

export const BENCH_ADMIN_TOKEN = 'csn_admin_for_benchmarks';
export const PRESHARED_KEY = 'a-key-for-benchmarks';
const READY_MS = 20_000;
const logger = createLogger({ level: 'error', name: 'bench' });

export async function openProduct(databaseUrl: string): Promise<BenchProduct> {
  return open(databaseUrl, 'embedded', (runtime) => createCommandContext(runtime, logger));
}

export async function openApi(databaseUrl: string, spicedb: SpiceDbKind): Promise<BenchApi> {
  let url = '';
  const product = await open(databaseUrl, spicedb, async (runtime) => {
    const app = await createApi(runtime, { logger, docs: false });
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
    return app;
  });
  return { ...product, url };
}

async function open(
  databaseUrl: string,
  kind: SpiceDbKind,
  openContext: (runtime: Runtime) => Promise<INestApplicationContext>,
): Promise<BenchProduct> {
  await migrate(databaseUrl, projectPath('migrations'));
  const spicedb = kind === 'embedded' ? await embedded() : await constant();
  const servers = { SPICEDB_ENDPOINT: spicedb.endpoint, SPICEDB_PRESHARED_KEY: PRESHARED_KEY };
  const env = { DATABASE_URL: databaseUrl, ...servers, ADMIN_TOKEN: BENCH_ADMIN_TOKEN };
  const config = loadConfig(env, { mode: 'standalone' });
  const runtime = await openRuntime(config, { name: 'bench' });
  await adoptVersions(runtime.pool, runtime.domain);
  await spicedb.serve(runtime);
  const context = await openContext(runtime);
  const relay = createRelay(runtime, context, { logger });
  relay.start();
  const installation = await initialiseInstallation(context.get(CommandBus), config, runtime.clock, runtime.ids);
  await requireDelivered(runtime);
  const close = async (): Promise<void> => {
    await relay.stop();
    await context.close();
    await closeRuntime(runtime);
    await spicedb.stop();
  };
  return { runtime, context, installation, close };
}

async function embedded(): Promise<OpenedSpiceDb> {
  const spicedb = new SupervisedSpiceDb({ port: 0, presharedKey: PRESHARED_KEY, logger });
  await spicedb.start();
  const { endpoint } = spicedb;
  return { endpoint, serve: ({ pool }) => spicedb.serve(pool), stop: () => spicedb.stop() };
}

async function constant(): Promise<OpenedSpiceDb> {
  const { endpoint, stop } = await startConstantSpiceDb();
  return { endpoint, serve: async () => undefined, stop: async () => stop() };
}

/** @throws unless SpiceDB has everything soon */
export async function requireDelivered({ log, progress }: Runtime, timeoutMs = READY_MS): Promise<void> {
  const head = await log.head();
  if (await progress.waitFor('delivered', head, timeoutMs)) return;
  throw new Error(`delivered up to ${progress.delivered} of ${head} after ${timeoutMs} ms`);
}
