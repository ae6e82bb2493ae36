import type { INestApplicationContext } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { createCommandContext, createRelay } from '../../apps/relay/start-relay.js';
import { SupervisedSpiceDb } from '../../apps/standalone/supervised-spicedb.js';
import { projectPath } from '../../libs/embedded/index.js';
import { type Initialised, initialiseInstallation } from '../../libs/installation/index.js';
import { createLogger, loadConfig, migrate } from '../../libs/platform/index.js';
import { adoptVersions } from '../../libs/projections/index.js';
import { closeRuntime, openRuntime, type Runtime } from '../../libs/wiring/index.js';

/** The command handlers and an active relay in this process, on a database and an embedded SpiceDB. */
export interface BenchProduct {
  runtime: Runtime;
  context: INestApplicationContext;
  installation: Initialised;
  close(): Promise<void>;
}

const PRESHARED_KEY = 'a-key-for-benchmarks';
const READY_MS = 20_000;

export async function openProduct(databaseUrl: string): Promise<BenchProduct> {
  await migrate(databaseUrl, projectPath('migrations'));
  const logger = createLogger({ level: 'error', name: 'bench' });
  const spicedb = new SupervisedSpiceDb({ port: 0, presharedKey: PRESHARED_KEY, logger });
  await spicedb.start();
  const config = loadConfig(
    { DATABASE_URL: databaseUrl, SPICEDB_ENDPOINT: spicedb.endpoint, SPICEDB_PRESHARED_KEY: PRESHARED_KEY },
    { mode: 'operator' },
  );
  const runtime = await openRuntime(config, { name: 'bench' });
  await adoptVersions(runtime.pool, runtime.domain);
  await spicedb.serve(runtime.pool);
  const context = await createCommandContext(runtime, logger);
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

/** @throws unless SpiceDB has everything soon */
export async function requireDelivered({ log, progress }: Runtime, timeoutMs = READY_MS): Promise<void> {
  const head = await log.head();
  if (await progress.waitFor('delivered', head, timeoutMs)) return;
  throw new Error(`delivered up to ${progress.delivered} of ${head} after ${timeoutMs} ms`);
}
