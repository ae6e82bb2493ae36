import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, chown, lchown, mkdir, mkdtemp, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { makeFolder } from './make-folder.js';
import { canReach, type PostgresBinaries, type ServerAccount } from './postgres-binaries.js';

const run = promisify(execFile);

export const POSTGRES_USER = 'countersign';
const MAJOR_VERSION = '18';

/** A PostgreSQL data folder and what is needed to run a server on it. */
export interface Cluster {
  dataDir: string;
  password: string;
  account: ServerAccount | undefined;
  binaries: PostgresBinaries;
}

/** Durable, and modest in memory: about 30 MB at rest. */
const SETTINGS: Record<string, string> = {
  listen_addresses: '127.0.0.1',
  // In the data folder itself, which only the server's account and root may enter.
  unix_socket_directories: process.platform === 'win32' ? '' : '.',
  max_connections: '100',
  shared_buffers: '64MB',
  huge_pages: 'off',
  io_method: 'sync',
  max_logical_replication_workers: '0',
  max_parallel_workers_per_gather: '0',
  min_wal_size: '64MB',
  max_wal_size: '512MB',
  password_encryption: 'scram-sha-256',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_min_messages: 'log',
  log_checkpoints: 'off',
  log_line_prefix: '%m [%p] ',
};

/**
 * The password of the server on `dataDir`, kept beside it in `<dataDir>.password` (mode 0600) and made up on first use.
 *
 * @throws when the data folder has data but its password file is lost
 */
export async function clusterPassword(dataDir: string): Promise<string> {
  const path = `${dataDir}.password`;
  const kept = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  if (kept.trim()) return kept.trim();
  if (existsSync(join(dataDir, 'PG_VERSION'))) {
    throw new Error(
      `${path} is missing or empty: it holds the password of the database in ${dataDir}. Restore it from a backup.`,
    );
  }
  const password = randomBytes(24).toString('base64url');
  const fresh = `${path}.new`;
  await rm(fresh, { force: true });
  await writeFile(fresh, `${password}\n`, { mode: 0o600, flag: 'wx', flush: true });
  await rename(fresh, path);
  return password;
}

/**
 * Creates the data folder unless it exists. It is built beside its place and renamed when it is complete, so an
 * interrupted first start leaves only rubbish, which the next one removes. Only to be called under the folder's lock.
 *
 * @param sync false skips the flush to disk, for throw-away databases
 * @throws when the folder holds something else, or data of another PostgreSQL version
 */
export async function createCluster(cluster: Cluster, sync = true): Promise<void> {
  const { dataDir, account } = cluster;
  await removeUnfinished(dataDir);
  if (existsSync(join(dataDir, 'PG_VERSION'))) return verifyCluster(dataDir, account);
  const existing = await readdir(dataDir).catch(() => []);
  if (existing.length > 0) {
    throw new Error(`${dataDir} isn't empty and isn't a PostgreSQL data folder. Set DATA_DIR to another folder.`);
  }
  const unfinished = await mkdtemp(`${dataDir}.new-`);
  const fresh = join(unfinished, 'data');
  await mkdir(fresh, { mode: 0o700 });
  await writeFile(join(unfinished, 'password'), cluster.password, { mode: 0o600 });
  if (account) await giveTo(unfinished, account);
  await initialise(cluster, fresh, sync);
  await rename(fresh, dataDir);
  await rm(unfinished, { recursive: true, force: true });
}

/** Writes the server's settings; they take effect at its next start. */
export async function configure(cluster: Cluster, port: number, extra: Record<string, string> = {}): Promise<void> {
  const settings = { ...SETTINGS, ...extra, port: String(port) };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`);
  await replaceFile(cluster, 'postgresql.conf', lines.join(''));
  const places = process.platform === 'win32' ? [] : ['local all all'];
  places.push('host all all 127.0.0.1/32', 'host replication all 127.0.0.1/32');
  await replaceFile(cluster, 'pg_hba.conf', places.map((place) => `${place} scram-sha-256\n`).join(''));
}

/**
 * How a program that runs as the server's account names the data folder. As root the folder may lie under one that
 * account can't enter (/root is 0700): on Linux the program is then started inside of it and finds it through /proc.
 */
export async function folderArgument(dataDir: string, account: ServerAccount | undefined): Promise<string> {
  if (await canReach(dataDir, account)) return dataDir;
  if (process.platform === 'linux') return '/proc/self/cwd';
  throw new Error(
    `PostgreSQL doesn't run as root, and uid ${account?.uid} can't enter ${dataDir}. ` +
      'Start as another user, or set DATA_DIR to a folder that everyone can enter.',
  );
}

/** `folder` is empty, and its parent has the password in a file. */
async function initialise({ account, binaries, dataDir }: Cluster, folder: string, sync: boolean): Promise<void> {
  const target = await folderArgument(folder, account);
  const identity = ['-D', target, '-U', POSTGRES_USER, `--pwfile=${target}/../password`, '-A', 'scram-sha-256'];
  const format = ['-E', 'UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '-k'];
  const options = ['--no-instructions', ...(sync ? [] : ['--no-sync'])];
  try {
    const place = { ...account, cwd: folder, env: serverEnvironment() };
    await run(binaries.initdb, [...identity, ...format, ...options], place);
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    throw new Error(`The database could not be created in ${dataDir}:\n${stderr?.trim() || message}`);
  }
}

/** PostgreSQL reads PG* variables; those of a developer's shell are meant for another server. */
export function serverEnvironment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('PG') && !name.startsWith('LC_'));
  return { ...Object.fromEntries(own), LANG: 'C', TZ: 'UTC' };
}

async function verifyCluster(dataDir: string, account: ServerAccount | undefined): Promise<void> {
  const version = (await readFile(join(dataDir, 'PG_VERSION'), 'utf8')).trim();
  if (version !== MAJOR_VERSION) {
    throw new Error(
      `${dataDir} was written by PostgreSQL ${version}, this is ${MAJOR_VERSION}. Dump it with the old version and ` +
        'restore it here, or set DATA_DIR to another folder.',
    );
  }
  const owner = (await stat(dataDir)).uid;
  if (account && owner !== account.uid) await giveTo(dataDir, account);
  if (!account && process.getuid && owner !== process.getuid()) {
    throw new Error(`${dataDir} belongs to uid ${owner}. Start as that user or as root, or change the folder's owner.`);
  }
  await chmod(dataDir, 0o700);
}

async function giveTo(path: string, account: ServerAccount): Promise<void> {
  await lchown(path, account.uid, account.gid);
  const entries = await readdir(path, { withFileTypes: true });
  for (const entry of entries) {
    const child = join(path, entry.name);
    if (entry.isDirectory()) await giveTo(child, account);
    else await lchown(child, account.uid, account.gid);
  }
}

async function removeUnfinished(dataDir: string): Promise<void> {
  const parent = dirname(dataDir);
  await makeFolder(parent);
  for (const name of await readdir(parent)) {
    if (!name.startsWith(`${basename(dataDir)}.new-`)) continue;
    // An initdb whose parent was killed may still write there; the name is never used again, so a rest does no harm.
    await rm(join(parent, name), { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined);
  }
}

async function replaceFile({ dataDir, account }: Cluster, name: string, text: string): Promise<void> {
  const path = join(dataDir, name);
  await writeFile(`${path}.new`, text, { mode: 0o600 });
  if (account) await chown(`${path}.new`, account.uid, account.gid);
  await rename(`${path}.new`, path);
}
