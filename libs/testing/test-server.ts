import { chmod, mkdir, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectPath } from '../embedded/compiled-path.js';
import { startEmbeddedPostgres } from '../embedded/embedded-postgres.js';
import { processIdentity } from '../embedded/process-identity.js';
import { migrate } from '../platform/migrations.js';
import { TEMPLATE_DATABASE } from './test-database.js';

const FOLDER_PREFIX = 'countersign-test-';

export interface TestServer {
  /** An administrator's address, of the database `postgres`. */
  url: string;
  stop(): Promise<void>;
}

/**
 * Starts the PostgreSQL server of a test run, with a template database that has every migration. It isn't durable
 * (and so 3–5 times faster) unless TEST_FSYNC is set.
 */
export async function startTestServer(): Promise<TestServer> {
  await removeAbandoned();
  const folder = join(tmpdir(), `${FOLDER_PREFIX}${process.pid}.${processIdentity(process.pid)}`);
  await mkdir(folder);
  await chmod(folder, 0o755);
  const careless: Record<string, string> = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };
  const settings = { max_connections: '200', ...(process.env['TEST_FSYNC'] ? {} : careless) };
  const server = await startEmbeddedPostgres({ dataDir: join(folder, 'pg'), database: TEMPLATE_DATABASE, settings });
  const stop = async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await migrate(server.url, projectPath('migrations'));
    const url = new URL(server.url);
    url.pathname = '/postgres';
    return { url: url.href, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A killed test run leaves its folder; its server has been stopped by then. */
async function removeAbandoned(): Promise<void> {
  const names = (await readdir(tmpdir())).filter((name) => name.startsWith(FOLDER_PREFIX));
  for (const name of names) {
    const [pid, identity] = name.slice(FOLDER_PREFIX.length).split('.');
    if (identity === undefined || processIdentity(Number(pid)) === identity) continue;
    await rm(join(tmpdir(), name), { recursive: true, force: true });
  }
}
