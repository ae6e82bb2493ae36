import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chown, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { takeLock, type FolderLock } from './data-folder.js';
import { makeFolder } from './make-folder.js';
import { freePort, requireFreePort } from './ports.js';
import { postgresBinaries, serverAccount } from './postgres-binaries.js';
import {
  clusterPassword,
  configure,
  createCluster,
  folderArgument,
  POSTGRES_USER,
  serverEnvironment,
  type Cluster,
} from './postgres-cluster.js';
import { findPostmaster, removeStaleSockets, retireStalePidFile, shutDownFast, type Postmaster } from './postmaster.js';
import { waitUntilGone } from './process-identity.js';
import { startWatchdog, watchdogsGone, type Watchdog } from './watchdog.js';

const run = promisify(execFile);

const DATABASE = 'countersign';
const LOG = 'server.log';
const LOG_LIMIT_BYTES = 10_000_000;
const ANSWER_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 60_000;
/** What every system takes. */
const LONGEST_SOCKET_PATH = 103;
const DUPLICATE_DATABASE = '42P04';
const UNIQUE_VIOLATION = '23505';

export interface EmbeddedPostgresOptions {
  /** The server's own folder; made on the first start. Its password and locks are kept beside it. */
  dataDir: string;
  /** A free one if omitted. */
  port?: number;
  /** The environment variable that sets `port`, for the message when it is taken; `POSTGRES_PORT` if omitted. */
  portVariable?: string;
  /** Made if it doesn't exist; `countersign` if omitted. */
  database?: string;
  /** Server settings (postgresql.conf) that replace the defaults. */
  settings?: Record<string, string>;
}

export interface EmbeddedPostgres {
  /** `postgres://user:password@127.0.0.1:port/database`; the user is a superuser of this server. */
  url: string;
  /** The same through the server's Unix socket, where it has one: a round trip takes a third of the time. */
  socketUrl: string;
  port: number;
  pid: number;
  dataDir: string;
  /** True if the server was already running on the folder. */
  adopted: boolean;
  /** False if it belongs to another live process: `stop` then leaves it running. */
  owned: boolean;
  /** Shuts the server down; everything committed is on disk. Safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Runs PostgreSQL on a folder, for this machine only, until `stop` is called or this process ends, however it ends. A server
 * that an earlier process left behind is adopted, with the settings it has; one that belongs to another live process
 * is shared.
 *
 * @throws when the port is taken, the folder holds something else, or the server doesn't start; the message then ends
 *   with the server's log
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const dataDir = await canonical(options.dataDir);
  const deadline = Date.now() + ANSWER_TIMEOUT_MS;
  for (;;) {
    const lock = await takeLock(`${dataDir}.lock`);
    if ('release' in lock) return startOwned(dataDir, lock, options);
    const shared = await shareRunning(dataDir, options);
    if (shared) return shared;
    if (Date.now() > deadline) {
      throw new Error(
        `The database in ${dataDir} is in use by process ${lock.heldBy}, and its server doesn't answer. ` +
          'Stop that process and start again.',
      );
    }
    await pause();
  }
}

async function startOwned(
  dataDir: string,
  lock: FolderLock,
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  let watchdog: Watchdog | undefined;
  try {
    await watchdogsGone(dataDir);
    const cluster = await prepare(dataDir, options);
    watchdog = await startWatchdog(dataDir, cluster.binaries.pgCtl);
    const { server, adopted } = await adoptOrLaunch(cluster, options);
    const url = await ensureDatabase(cluster, server.port, options.database ?? DATABASE);
    const stop = stopOnce(server, cluster, watchdog, lock);
    return { ...placeOf(url, dataDir, server), adopted, owned: true, stop };
  } catch (error) {
    // With a server half up the watchdog stops it: its pipe just ends.
    await watchdog?.end(findPostmaster(dataDir) === undefined);
    await lock.release();
    throw error;
  }
}

/** The server of another process, if it is up. */
async function shareRunning(dataDir: string, options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres | undefined> {
  const server = findPostmaster(dataDir);
  const password = server && (await readFile(`${dataDir}.password`, 'utf8')).trim();
  if (!server || !password || !(await isOurs({ dataDir, password }, server))) return undefined;
  const url = await ensureDatabase({ password }, server.port, options.database ?? DATABASE);
  const stop = () => Promise.resolve();
  return { ...placeOf(url, dataDir, server), adopted: true, owned: false, stop };
}

function placeOf(url: string, dataDir: string, { pid, port }: Postmaster) {
  const socket = join(dataDir, `.s.PGSQL.${port}`);
  const usable = Buffer.byteLength(socket) <= LONGEST_SOCKET_PATH && existsSync(socket);
  const socketUrl = usable ? `${url}?host=${encodeURIComponent(dataDir)}` : url;
  return { url, socketUrl, dataDir, pid, port };
}

async function canonical(dataDir: string): Promise<string> {
  const path = resolve(dataDir);
  await makeFolder(dirname(path));
  return join(await realpath(dirname(path)), basename(path));
}

async function prepare(dataDir: string, { settings }: EmbeddedPostgresOptions): Promise<Cluster> {
  const account = serverAccount();
  const binaries = await postgresBinaries(dataDir, account);
  const cluster = { dataDir, account, binaries, password: await clusterPassword(dataDir) };
  await createCluster(cluster, settings?.['fsync'] !== 'off');
  return cluster;
}

async function adoptOrLaunch(
  cluster: Cluster,
  options: EmbeddedPostgresOptions,
): Promise<{ server: Postmaster; adopted: boolean }> {
  const deadline = Date.now() + ANSWER_TIMEOUT_MS;
  for (;;) {
    const server = findPostmaster(cluster.dataDir);
    if (!server) return { server: await launch(cluster, options), adopted: false };
    const verified = await isOurs(cluster, server);
    if (verified && (options.port ?? server.port) === server.port) return { server, adopted: true };
    if (verified) await shutDown(server, cluster);
    if (Date.now() > deadline) {
      throw new Error(
        `A PostgreSQL server (pid ${server.pid}) runs on ${cluster.dataDir} but doesn't answer on port ${server.port}. ` +
          `Look into ${join(cluster.dataDir, LOG)}, stop that server, and start again.`,
      );
    }
    await pause();
  }
}

async function launch(cluster: Cluster, options: EmbeddedPostgresOptions): Promise<Postmaster> {
  const { dataDir } = cluster;
  await retireStalePidFile(dataDir);
  await removeStaleSockets(dataDir);
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort());
    if (options.port) await requireFreePort(port, options.portVariable ?? 'POSTGRES_PORT', 'PostgreSQL');
    await configure(cluster, port, options.settings);
    const failure = await runPgCtlStart(cluster);
    const server = findPostmaster(dataDir);
    if (failure === undefined && server) return server;
    // Between choosing a free port and listening on it another process may have taken it.
    if (!options.port && attempt < 3 && failure?.includes('could not bind')) continue;
    throw new Error(`PostgreSQL didn't start on ${dataDir}. Its log says:\n${failure ?? 'nothing: it ended at once'}`);
  }
}

/** The reason why the server didn't start, or undefined. */
async function runPgCtlStart({ dataDir, account, binaries }: Cluster): Promise<string | undefined> {
  const log = join(dataDir, LOG);
  const logged = await stat(log).catch(() => ({ size: 0 }));
  if (logged.size > LOG_LIMIT_BYTES) await rename(log, `${log}.1`);
  const skip = logged.size > LOG_LIMIT_BYTES ? 0 : logged.size;
  const folder = await folderArgument(dataDir, account);
  try {
    const args = ['start', '-w', '-s', '-t', '120', '-D', folder, '-l', LOG];
    await run(binaries.pgCtl, args, { ...account, cwd: dataDir, env: serverEnvironment() });
    return undefined;
  } catch (error) {
    const text = await readFile(log).catch(() => Buffer.alloc(0));
    return text.subarray(skip).toString('utf8').trim() || (error as Error).message;
  }
}

/** True if the server answers with our password and reads its files from this very folder, whatever its name. */
async function isOurs(
  { dataDir, password }: Pick<Cluster, 'dataDir' | 'password'>,
  server: Postmaster,
): Promise<boolean> {
  const name = `countersign-${randomBytes(8).toString('hex')}.token`;
  const path = join(dataDir, name);
  const { uid, gid } = await stat(dataDir);
  await writeFile(path, name, { mode: 0o600 });
  try {
    if (process.getuid?.() === 0) await chown(path, uid, gid);
    return await withClient(urlOf(password, server.port, 'postgres'), async (client) => {
      const result = await client.query<{ text: string }>('SELECT pg_read_file($1) AS text', [name]);
      return result.rows[0]?.text === name;
    });
  } catch {
    return false;
  } finally {
    await rm(path, { force: true });
  }
}

async function ensureDatabase(
  { password }: Pick<Cluster, 'password'>,
  port: number,
  database: string,
): Promise<string> {
  await withClient(urlOf(password, port, 'postgres'), async (client) => {
    const found = await client.query('SELECT FROM pg_database WHERE datname = $1', [database]);
    if (found.rowCount) return;
    await client.query(`CREATE DATABASE ${client.escapeIdentifier(database)}`).catch((error: { code?: string }) => {
      if (error.code !== DUPLICATE_DATABASE && error.code !== UNIQUE_VIOLATION) throw error;
    });
  });
  return urlOf(password, port, database);
}

async function withClient<T>(url: string, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

function urlOf(password: string, port: number, database: string): string {
  return `postgres://${POSTGRES_USER}:${encodeURIComponent(password)}@127.0.0.1:${port}/${encodeURIComponent(database)}`;
}

function stopOnce(server: Postmaster, cluster: Cluster, watchdog: Watchdog, lock: FolderLock): () => Promise<void> {
  let stopping: Promise<void> | undefined;
  return () => (stopping ??= stopAll(server, cluster, watchdog, lock));
}

async function stopAll(server: Postmaster, cluster: Cluster, watchdog: Watchdog, lock: FolderLock): Promise<void> {
  await shutDown(server, cluster);
  await watchdog.end(true);
  await lock.release();
}

async function shutDown(server: Postmaster, { dataDir, binaries }: Cluster): Promise<void> {
  shutDownFast(server, binaries.pgCtl);
  if (await waitUntilGone(server.pid, server.identity, STOP_TIMEOUT_MS)) return;
  throw new Error(
    `PostgreSQL (pid ${server.pid}) hasn't stopped within a minute. Look into ${join(dataDir, LOG)}; it goes on stopping.`,
  );
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 25));
}
