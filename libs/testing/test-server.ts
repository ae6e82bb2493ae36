import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { projectPath } from '../embedded/compiled-path.js';
import { startEmbeddedPostgres } from '../embedded/embedded-postgres.js';
import { processIdentity } from '../embedded/process-identity.js';
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
    await migrate(server.url);
    const url = new URL(server.url);
    url.pathname = '/postgres';
    return { url: url.href, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function migrate(url: string): Promise<void> {
  const folder = projectPath('migrations');
  const names = existsSync(folder) ? (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort() : [];
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    for (const name of names) {
      const sql = await readFile(join(folder, name), 'utf8');
      await client.query(`BEGIN;\n${sql}\n;COMMIT`).catch((error: Error) => {
        throw new Error(`migrations/${name} fails: ${error.message}`);
      });
    }
  } finally {
    await client.end();
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
