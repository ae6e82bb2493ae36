import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { lockDataFolder, projectPath, startEmbeddedPostgres } from '../../libs/embedded/index.js';
import type { CommandContext } from '../../libs/event-store/index.js';
import { type Config, createLogger, loadConfig, migrate, systemIds } from '../../libs/platform/index.js';
import { closeRuntime, openRuntime, type Runtime } from '../../libs/wiring/index.js';
import { createCommandContext } from '../relay/start-relay.js';
import { keptSecrets } from '../standalone/secrets.js';
import { RUNNING_FILE, type Running } from '../standalone/running-file.js';
import { SupervisedSpiceDb } from '../standalone/supervised-spicedb.js';

/** What a command works with: the configured servers, or those of the data folder. */
export interface OperatorSession {
  runtime: Runtime;
  /** Command handlers, made when first asked for. */
  context: INestApplicationContext;
  close(): Promise<void>;
}

type Closing = () => Promise<void>;

/**
 * Connects to what DATABASE_URL, SPICEDB_ENDPOINT and EVENTSTORE_URL name. Without DATABASE_URL it uses the data folder:
 * the parts that run on it, or parts of its own for the time of the command.
 */
export async function openSession(env: NodeJS.ProcessEnv): Promise<OperatorSession> {
  const config = loadConfig(env, { mode: 'operator' });
  const closing: Closing[] = [];
  const close = async (): Promise<void> => {
    for (const step of closing.reverse()) await step();
  };
  try {
    const { config: usable, fill } = config.databaseUrl
      ? { config, fill: undefined }
      : await openDataFolder(config, env, closing);
    const runtime = await openRuntime(usable, { name: 'operator' });
    closing.push(() => closeRuntime(runtime));
    await fill?.(runtime);
    const context = await createCommandContext(runtime, createLogger({ level: 'error', name: 'operator' }));
    closing.push(() => context.close());
    return { runtime, context, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Who says so in the log: the operating system's user, at this command line. */
export function operatorContext({ clock, ids }: Runtime, operator: string): CommandContext {
  return {
    commandId: ids.uuid(),
    actor: { type: 'system', id: 'operator' },
    authentication: 'operator',
    correlationId: ids.uuid(),
    causationId: null,
    at: clock.now().toISOString(),
    personal: { actorName: operator },
  };
}

interface Opened {
  config: Config;
  /** Makes the embedded SpiceDB ready, where this command started it. */
  fill?: (runtime: Runtime) => Promise<void>;
}

async function openDataFolder(configured: Config, env: NodeJS.ProcessEnv, closing: Closing[]): Promise<Opened> {
  const dataDir = resolve(configured.dataDir);
  const secrets = configured.production ? {} : await keptSecrets(dataDir, systemIds);
  const config = loadConfig({ ...secrets, ...env }, { mode: 'operator' });
  const running = await runningStandalone(dataDir);
  if (running) return { config: { ...config, ...running, spicedbTls: false } };
  const lock = await lockDataFolder(dataDir);
  closing.push(() => lock.release());
  const postgres = await startEmbeddedPostgres({ dataDir: join(dataDir, 'postgres') });
  closing.push(() => postgres.stop());
  await migrate(postgres.url, projectPath('migrations'));
  const opened = { ...config, databaseUrl: postgres.url };
  if (config.spicedbEndpoint) return { config: opened };
  const logger = createLogger({ level: 'error', name: 'operator' });
  const spicedb = new SupervisedSpiceDb({ port: 0, presharedKey: config.spicedbPresharedKey!, logger });
  await spicedb.start();
  closing.push(() => spicedb.stop());
  return {
    config: { ...opened, spicedbEndpoint: spicedb.endpoint, spicedbTls: false },
    fill: ({ pool }) => spicedb.serve(pool),
  };
}

async function runningStandalone(dataDir: string): Promise<Running | undefined> {
  try {
    const running = JSON.parse(await readFile(join(dataDir, RUNNING_FILE), 'utf8')) as Running & { pid: number };
    process.kill(running.pid, 0);
    const { databaseUrl, spicedbEndpoint } = running;
    return { databaseUrl, spicedbEndpoint };
  } catch {
    return undefined;
  }
}
