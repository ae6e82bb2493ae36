import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '../../libs/embedded/index.js';
import { inDatabase } from './bench-databases.js';

const DURABLE = ['fsync', 'synchronous_commit', 'full_page_writes'];
const SHOWN = ['server_version', ...DURABLE, 'wal_sync_method', 'shared_buffers', 'max_wal_size'];

/** @throws where the server would not be durable: the figures would mean nothing */
export async function onDurableServer<T>(use: (serverUrl: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-bench-'));
  // The server runs as another account when we are root.
  await chmod(folder, 0o755);
  try {
    const server = await startEmbeddedPostgres({ dataDir: join(folder, 'pg') });
    try {
      await requireDurable(server.socketUrl);
      return await use(server.socketUrl);
    } finally {
      await server.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export async function settingsOf(serverUrl: string): Promise<Record<string, unknown>> {
  const rows = await inDatabase(
    serverUrl,
    `SELECT name, current_setting(name) AS value FROM unnest('{${SHOWN.join(',')}}'::text[]) AS name`,
  );
  return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
}

async function requireDurable(serverUrl: string): Promise<void> {
  const settings = await settingsOf(serverUrl);
  for (const name of DURABLE) {
    if (settings[name] !== 'on') throw new Error(`${name} is ${settings[name]}: the figures would mean nothing`);
  }
}
