import { access, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { lockDataFolder, startEmbeddedPostgres } from '../../libs/embedded/index.js';
import { type Config, createLogger, loadConfig, openPool, systemIds } from '../../libs/platform/index.js';
import { RUNNING_FILE, type Running } from '../standalone/running-file.js';
import { keptSecrets } from '../standalone/secrets.js';
import { SupervisedSpiceDb } from '../standalone/supervised-spicedb.js';
import { PartUnavailable, UsageError } from '../../libs/wiring/index.js';

export interface Reached {
  config: Config;
  /** Whether SpiceDB is an embedded one, which has no contents of its own while nobody runs it. */
  spicedbAtRest: boolean;
}
/** Undo steps, the last one first. */
export type Closing = (() => Promise<void>)[];

/** The discard port: whoever asks a SpiceDB that was not started is refused at once. */
const NOWHERE = '127.0.0.1:9';

/**
 * The servers of the configuration, or those of the data folder: as they run, or started for the time of the command.
 * @param needsSpiceDb whether an embedded SpiceDB that is not running is to be started and filled
 * @throws ConfigurationRefused, UsageError, PartUnavailable
 */
export async function reachServers(env: NodeJS.ProcessEnv, needsSpiceDb: boolean, closing: Closing): Promise<Reached> {
  const configured = loadConfig(env, { mode: 'operator' });
  if (configured.databaseUrl && configured.spicedbEndpoint) return { config: configured, spicedbAtRest: false };
  const dataDir = resolve(configured.dataDir);
  if (!configured.databaseUrl) await requireInstallation(dataDir);
  const given = Object.entries(env).filter(([, value]) => value?.trim());
  const kept = { ...(await keptSecrets(dataDir, systemIds)), ...Object.fromEntries(given) };
  const config = loadConfig(kept, { mode: 'operator' });
  const lock = await lockDataFolder(dataDir).catch((error: Error) => error);
  if (lock instanceof Error) return { config: await atRunning(dataDir, config, lock), spicedbAtRest: false };
  closing.push(() => lock.release());
  return startParts(dataDir, config, { needsSpiceDb, closing });
}

/** A mistyped folder must not become an empty installation. */
async function requireInstallation(dataDir: string): Promise<void> {
  await access(join(dataDir, 'secrets.json')).catch(() => {
    throw new UsageError(
      `There is no installation in ${dataDir}. Set DATA_DIR to the folder of one, or DATABASE_URL, SPICEDB_ENDPOINT ` +
        'and SPICEDB_PRESHARED_KEY to servers. A new installation is made by: npm start',
    );
  });
}

/** The parts of the process that has the data folder. */
async function atRunning(dataDir: string, config: Config, inUse: Error): Promise<Config> {
  const file = await readFile(join(dataDir, RUNNING_FILE), 'utf8').catch(() => undefined);
  if (file === undefined) throw new PartUnavailable(`${inUse.message} If it is just starting, try again in a moment.`);
  const running = JSON.parse(file) as Running;
  const databaseUrl = config.databaseUrl ?? running.databaseUrl;
  if (config.spicedbEndpoint) return { ...config, databaseUrl };
  return { ...config, databaseUrl, spicedbEndpoint: running.spicedbEndpoint, spicedbTls: false };
}

async function startParts(
  dataDir: string,
  config: Config,
  { needsSpiceDb, closing }: { needsSpiceDb: boolean; closing: Closing },
): Promise<Reached> {
  try {
    const databaseUrl = config.databaseUrl ?? (await startPostgres(dataDir, closing));
    const spicedbAtRest = !config.spicedbEndpoint;
    if (!spicedbAtRest) return { config: { ...config, databaseUrl }, spicedbAtRest };
    const spicedbEndpoint = needsSpiceDb ? await startSpiceDb(databaseUrl, config, closing) : NOWHERE;
    return { config: { ...config, databaseUrl, spicedbEndpoint, spicedbTls: false }, spicedbAtRest };
  } catch (error) {
    if ((error as { code?: string }).code) throw error;
    throw new PartUnavailable((error as Error).message, { cause: error });
  }
}

async function startPostgres(dataDir: string, closing: Closing): Promise<string> {
  const postgres = await startEmbeddedPostgres({ dataDir: join(dataDir, 'postgres') });
  closing.push(() => postgres.stop());
  return postgres.socketUrl;
}

/** On a port of its own, filled with what is wanted: as it will be after the next start. */
async function startSpiceDb(databaseUrl: string, config: Config, closing: Closing): Promise<string> {
  const logger = createLogger({ level: 'silent', name: 'operator' });
  const spicedb = new SupervisedSpiceDb({ port: 0, presharedKey: config.spicedbPresharedKey!, logger });
  await spicedb.start();
  closing.push(() => spicedb.stop());
  const pool = openPool({ url: databaseUrl, max: 2, applicationName: 'countersign-operator' });
  closing.push(() => pool.end());
  await spicedb.serve(pool);
  return spicedb.endpoint;
}
