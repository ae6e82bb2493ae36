import { Client } from 'pg';
import type { Recorded } from '../../libs/event-store/index.js';
import {
  changesOf,
  COLUMNS,
  CONFLICT,
  createRows,
  type Happened,
  KEY,
  type KeyChange,
  type Row,
  typeOf,
} from './replay-rows.js';

const BATCH = 2_000;
export const BOUND_TABLE = 'bound';

/**
 * Events a second where they are decoded and in memory: folded by key, and written with one upsert of arrays, one
 * delete and the checkpoint in a transaction for each 2,000. No log is read, and the only index is the primary key.
 */
export async function measureBound(url: string, decoded: readonly Recorded[]): Promise<number> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(`${createRows(BOUND_TABLE)} drop table if exists bound_checkpoint;
      create table bound_checkpoint (position bigint); insert into bound_checkpoint values (-1);
      set synchronous_commit = off; checkpoint`);
    const startedAt = performance.now();
    for (let start = 0; start < decoded.length; start += BATCH) {
      await writeFolded(client, decoded.slice(start, start + BATCH));
    }
    return decoded.length / ((performance.now() - startedAt) / 1_000);
  } finally {
    await client.end();
  }
}

async function writeFolded(client: Client, events: readonly Recorded[]): Promise<void> {
  const folded = new Map<string, KeyChange>();
  for (const event of events) {
    for (const change of changesOf(event as unknown as Happened, event.stream)) folded.set(change.key.join(), change);
  }
  const put: Row[] = [];
  const gone: Row[] = [];
  for (const { key, rest } of folded.values()) {
    if (rest) put.push([...key, ...rest]);
    else gone.push(key);
  }
  await client.query('begin');
  if (gone.length > 0) await client.query({ name: 'delete', text: DELETE, values: arrays(gone, KEY) });
  if (put.length > 0) await client.query({ name: 'put', text: PUT, values: arrays(put, COLUMNS) });
  await client.query({ name: 'checkpoint', text: MOVE, values: [events.at(-1)!.position] });
  await client.query('commit');
}

function arrays(rows: readonly Row[], columns: readonly string[]): Row[] {
  return columns.map((_, index) => rows.map((row) => row[index]!));
}

function unnest(columns: readonly string[]): string {
  return `unnest(${columns.map((column, index) => `$${index + 1}::${typeOf(column)}[]`).join(', ')})`;
}

const DELETE = `delete from ${BOUND_TABLE} b using ${unnest(KEY)} as gone(${KEY.join(', ')})
  where ${KEY.map((column) => `b.${column} = gone.${column}`).join(' and ')}`;
const PUT = `insert into ${BOUND_TABLE} (${COLUMNS.join(', ')}) select * from ${unnest(COLUMNS)} ${CONFLICT}`;
const MOVE = 'update bound_checkpoint set position = $1';
