import { appendFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { CommandBus } from '@nestjs/cqrs';
import {
  type EmbeddedPostgres,
  lockDataFolder,
  makeFolder,
  projectPath,
  requireFreePort,
  startEmbeddedPostgres,
} from '../../libs/embedded/index.js';
import { type Initialised, initialiseInstallation } from '../../libs/installation/index.js';
import {
  type Config,
  createLogger,
  loadConfig,
  type Logger,
  migrate,
  openDestination,
  type SideServer,
  startTracing,
  systemIds,
} from '../../libs/platform/index.js';
import { adoptVersions } from '../../libs/projections/index.js';
import { closeRuntime, type FaultHook, openRuntime, type Runtime, takenPort } from '../../libs/wiring/index.js';
import { createApi, servedMetrics } from '../api/start-api.js';
import type { Relay } from '../relay/relay.js';
import { exposeRelay } from '../relay/relay-metrics.js';
import { createRelay } from '../relay/start-relay.js';
import { announceRunning } from './running-file.js';
import { keptSecrets } from './secrets.js';
import { SupervisedSpiceDb } from './supervised-spicedb.js';

export interface Standalone {
  /** Of the HTTP API. */
  url: string;
  /** Where METRICS_PORT is set. */
  metricsUrl: string | undefined;
  config: Config;
  installation: Initialised;
  logFile: string;
  stop(): Promise<void>;
}

interface StartOptions {
  config: Config;
  dataDir: string;
  logger: Logger;
  at?: FaultHook;
}

interface Parts {
  lock?: { release(): Promise<void> | void };
  postgres?: EmbeddedPostgres;
  spicedb?: SupervisedSpiceDb;
  runtime?: Runtime;
  app?: NestFastifyApplication;
  relay?: Relay;
  metrics?: SideServer;
  stopTracing?: () => Promise<void>;
  unannounce?: () => Promise<void>;
}

/**
 * The whole product in one process tree: the API and the relay here, PostgreSQL and SpiceDB embedded unless configured.
 * @throws with what to do next, when a port is taken, the data folder is in use or the configuration is wrong
 */
export async function startStandalone(env: NodeJS.ProcessEnv, at?: FaultHook): Promise<Standalone> {
  const mode = { mode: 'standalone' } as const;
  const { production, ...configured } = loadConfig(env, mode);
  const dataDir = resolve(configured.dataDir);
  await makeFolder(dataDir).catch(unusable(dataDir));
  const logFile = join(dataDir, 'countersign.log');
  const parts: Parts = {};
  try {
    parts.lock = await lockDataFolder(dataDir).catch(unusable(dataDir));
    const config = loadConfig({ ...(production ? {} : await keptSecrets(dataDir, systemIds)), ...given(env) }, mode);
    await appendFile(logFile, '').catch(unusable(dataDir));
    const destination = openDestination({ dest: logFile, mkdir: true, sync: false });
    const logger = createLogger({ level: config.logLevel, name: 'standalone', destination });
    if (config.port !== 0) await requireFreePort(config.port, 'PORT', 'the HTTP API');
    parts.stopTracing = await startTracing({ endpoint: config.otlpEndpoint, service: 'countersign' });
    const installation = await startParts(parts, { config, dataDir, logger, at });
    await parts.app!.listen({ port: config.port, host: config.host }).catch(takenPort('PORT', config.port));
    parts.metrics = await servedMetrics(parts.runtime!);
    const { databaseUrl, spicedbEndpoint } = parts.runtime!.config;
    parts.unannounce = await announceRunning(dataDir, { databaseUrl: databaseUrl!, spicedbEndpoint: spicedbEndpoint! });
    const url = (await parts.app!.getUrl()).replace('[::1]', 'localhost');
    const metricsUrl = parts.metrics?.url;
    return { url, metricsUrl, config: parts.runtime!.config, installation, logFile, stop: () => stopParts(parts) };
  } catch (error) {
    await stopParts(parts);
    throw error;
  }
}

async function startParts(parts: Parts, { config, dataDir, logger, at }: StartOptions): Promise<Initialised> {
  const embedded = await Promise.all([
    config.databaseUrl ? undefined : startEmbeddedPostgres({ dataDir: join(dataDir, 'postgres') }),
    config.spicedbEndpoint ? undefined : startSpiceDb(config, logger),
  ]);
  [parts.postgres, parts.spicedb] = embedded;
  const databaseUrl = config.databaseUrl ?? parts.postgres!.socketUrl;
  await migrate(databaseUrl, projectPath('migrations'));
  const spicedbEndpoint = config.spicedbEndpoint ?? parts.spicedb!.endpoint;
  const spicedbTls = parts.spicedb ? false : config.spicedbTls;
  const runtime = await openRuntime(
    { ...config, databaseUrl, spicedbEndpoint, spicedbTls },
    { name: 'standalone', at },
  );
  parts.runtime = runtime;
  await adoptVersions(runtime.pool, runtime.domain);
  const [app] = await Promise.all([
    createApi(runtime, { logger, docs: true }),
    parts.spicedb?.serve(runtime.pool),
    runtime.keys.rememberStored(),
  ]);
  parts.app = app;
  parts.relay = createRelay(runtime, app, { logger });
  exposeRelay(runtime, parts.relay);
  parts.relay.start();
  const installation = await initialiseInstallation(app.get(CommandBus), config, runtime.clock, runtime.ids);
  await runtime.progress.waitFor('delivered', await runtime.log.head(), 10_000);
  logger.info({ created: installation.created }, installation.created ? 'bootstrapped' : 'already exists');
  return installation;
}

async function startSpiceDb(config: Config, logger: Logger): Promise<SupervisedSpiceDb> {
  const presharedKey = config.spicedbPresharedKey!;
  const spicedb = new SupervisedSpiceDb({ port: config.spicedbPort, presharedKey, logger });
  await spicedb.start();
  return spicedb;
}

async function stopParts({
  app,
  relay,
  metrics,
  stopTracing,
  runtime,
  spicedb,
  postgres,
  lock,
  unannounce,
}: Parts): Promise<void> {
  await unannounce?.();
  await app?.close();
  await relay?.stop();
  await metrics?.close();
  if (runtime) await closeRuntime(runtime);
  await spicedb?.stop();
  await postgres?.stop();
  await stopTracing?.();
  await lock?.release();
}

/** Variables that are set to something: an empty one counts as absent. */
function given(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => Boolean(entry[1]?.trim())),
  );
}

/** For what the file system rejects with; what the folder itself is in use for is told already. */
function unusable(dataDir: string): (error: NodeJS.ErrnoException) => never {
  return (error) => {
    if (error.code === undefined) throw error;
    throw new Error(
      `DATA_DIR: ${dataDir} can't be written to (${error.message}). Set DATA_DIR to a folder of this user, on a disk with space.`,
    );
  };
}
