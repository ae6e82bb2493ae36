import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { EventToAppend } from '../../libs/event-store/index.js';
import { countRows, createDatabase, inDatabase } from './bench-databases.js';
import type { MissingPeer } from './bench-row.js';
import { installedPeers } from './peers.js';

export interface AppendPeer {
  /** Acknowledged and stored appends a second. */
  measure(clients: number, seconds: number): Promise<number>;
  close(): Promise<void>;
}

const run = promisify(execFile);

/** One row of the same event in each commit: what PostgreSQL itself can do, without revisions or an order. */
export async function openPgbench(serverUrl: string, event: EventToAppend): Promise<AppendPeer | MissingPeer> {
  const pgbench = process.env['PGBENCH'] ?? 'pgbench';
  if (!(await run(pgbench, ['--version']).catch(() => null))) return { missing: 'pgbench not found' };
  const folder = await mkdtemp(join(tmpdir(), 'countersign-pgbench-'));
  const script = join(folder, 'append.sql');
  await writeFile(script, pgbenchScript(event));
  return {
    measure: async (clients, seconds) => {
      const url = await createDatabase(serverUrl);
      await inDatabase(
        url,
        `CREATE TABLE event (position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, stream text NOT NULL,
           id uuid NOT NULL, type text NOT NULL, data jsonb NOT NULL, metadata jsonb NOT NULL)`,
      );
      const load = ['-c', `${clients}`, '-j', '2', '-T', `${seconds}`];
      const { stdout } = await run(pgbench, ['-n', '-M', 'prepared', ...load, '-f', script, url]);
      const count = await countRows(url, 'event');
      const claimed = Number(/actually processed: (\d+)/.exec(stdout)?.[1]);
      const rate = Number(/tps = ([\d.]+) \(without initial/.exec(stdout)?.[1]);
      // The statements that its time limit interrupts are stored and not counted.
      if (!(count >= claimed && count <= claimed + clients && rate > 0)) throw new Error(`${count} rows:\n${stdout}`);
      return rate;
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

function pgbenchScript({ type, data, metadata }: EventToAppend): string {
  // pgbench takes a colon before a word for a variable.
  const json = (value: unknown): string => `'${JSON.stringify(value).replaceAll(':', ': ')}'`;
  return `INSERT INTO event (stream, id, type, data, metadata) VALUES
    (gen_random_uuid(), gen_random_uuid(), '${type}', ${json(data)}, ${json(metadata)});\n`.replaceAll('\n', ' ');
}

interface EmmettStore {
  appendToStream(
    stream: string,
    events: { type: string; data: unknown; metadata: unknown }[],
    options: { expectedStreamVersion: bigint | 'STREAM_DOES_NOT_EXIST' },
  ): Promise<{ nextExpectedStreamVersion: bigint }>;
  schema: { migrate(): Promise<unknown> };
  close(): Promise<void>;
}
type OpenEmmettStore = (url: string, options: { connectionOptions: { pool: PeerPool } }) => EmmettStore;
interface PeerPool {
  end(): Promise<void>;
}
type PeerPools = new (config: { connectionString: string; max: number }) => PeerPool;

export async function openEmmett(serverUrl: string, event: EventToAppend): Promise<AppendPeer | MissingPeer> {
  const load = installedPeers();
  if ('missing' in load) return load;
  const emmett = (await load('@event-driven-io/emmett-postgresql')) as { getPostgreSQLEventStore: OpenEmmettStore };
  const { default: pg } = (await load('pg')) as { default: { Pool: PeerPools } };
  return {
    measure: async (clients, seconds) => {
      const url = await createDatabase(serverUrl);
      const pool = new pg.Pool({ connectionString: url, max: clients });
      const store = emmett.getPostgreSQLEventStore(url, { connectionOptions: { pool } });
      await store.schema.migrate();
      const { appended, rate } = await appendToEmmett(store, event, clients, seconds);
      await store.close();
      await pool.end();
      const count = await countRows(url, 'emt_messages');
      if (count !== appended) throw new Error(`emmett acknowledged ${appended} appends and stored ${count}`);
      return rate;
    },
    close: async () => undefined,
  };
}

async function appendToEmmett(store: EmmettStore, event: EventToAppend, clients: number, seconds: number) {
  const { type, data, metadata } = event;
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1000;
  let appended = 0;
  const client = async (): Promise<void> => {
    const stream = `assignment-${randomUUID()}`;
    let expected: bigint | 'STREAM_DOES_NOT_EXIST' = 'STREAM_DOES_NOT_EXIST';
    for (; performance.now() < endsAt; appended++) {
      const options = { expectedStreamVersion: expected };
      const result = await store.appendToStream(stream, [{ type, data, metadata }], options);
      expected = result.nextExpectedStreamVersion;
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return { appended, rate: appended / ((performance.now() - startedAt) / 1000) };
}
