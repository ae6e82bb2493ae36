import { Client } from 'pg';
import type { RoleEnded, RoleGranted } from '../../libs/assignments/index.js';
import type { DomainEvent, Recorded, StoredEvent } from '../../libs/event-store/index.js';
import { countRows, createDatabase, inDatabase } from './bench-databases.js';
import type { MissingPeer } from './bench-row.js';
import { installedPeers } from './peers.js';

const BATCH = 2_000;
const COLUMNS =
  'target_type, target_id, subject_type, subject_id, role, source, id, tenant_id, decided_in, until, granted_at, granted_by';
const KEY_COLUMNS = COLUMNS.split(', ').slice(0, 6);
const OTHER_COLUMNS = COLUMNS.split(', ').slice(6);
const TYPES = OTHER_COLUMNS.map((column) => (/^(until|granted_at)$/.test(column) ? 'timestamptz' : 'text'));
const TABLE = `(like assignment, primary key (${KEY_COLUMNS.join(', ')}))`;
const SET = OTHER_COLUMNS.map((column) => `${column} = excluded.${column}`).join(', ');

type Happened = RoleGranted | RoleEnded;
type Row = readonly (string | null)[];

/** Rows that an event puts under a key, or takes from there. */
function* changesOf({ type, data, metadata, stream }: Recorded<Happened>): Generator<{ key: Row; rest?: Row }> {
  const { subject, target } = data;
  const key = (role: string, source: string) => [target.type, target.id, subject.type, subject.id, role, source];
  if (type === 'role-ended.v1') {
    for (const source of data.sources) yield { key: key(data.role, source) };
    return;
  }
  for (const { role, sources } of data.replaced) for (const source of sources) yield { key: key(role, source) };
  const id = `${stream.slice('assignment-'.length)}-${data.role}`;
  const rest = [id, data.tenantId, 'assignment', data.until, metadata.at, metadata.actor.id];
  yield { key: key(data.role, data.source), rest };
}

/**
 * The bound: events that are decoded and in memory, folded by key and written with one upsert of arrays (and one
 * delete) and the checkpoint in a transaction for each 2,000, into a table that has its primary key and no other index.
 */
export async function measureBound(url: string, decoded: readonly Recorded<DomainEvent>[]): Promise<number> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(`drop table if exists bound; create table bound ${TABLE};
    drop table if exists bound_checkpoint; create table bound_checkpoint (position bigint);
    insert into bound_checkpoint values (-1); set synchronous_commit = off`);
  try {
    const startedAt = performance.now();
    for (let start = 0; start < decoded.length; start += BATCH) {
      await writeFolded(client, decoded.slice(start, start + BATCH) as unknown as Recorded<Happened>[]);
    }
    return decoded.length / ((performance.now() - startedAt) / 1_000);
  } finally {
    await client.end();
  }
}

async function writeFolded(client: Client, events: readonly Recorded<Happened>[]): Promise<void> {
  const folded = new Map<string, { key: Row; rest?: Row }>();
  for (const event of events) for (const change of changesOf(event)) folded.set(change.key.join(' '), change);
  const put: Row[] = [];
  const gone: Row[] = [];
  for (const { key, rest } of folded.values()) rest ? put.push([...key, ...rest]) : gone.push(key);
  const arrays = (rows: readonly Row[], count: number) =>
    Array.from({ length: count }, (_, column) => rows.map((row) => row[column]));
  await client.query('begin');
  await client.query({ name: 'delete', text: DELETE, values: arrays(gone, KEY_COLUMNS.length) });
  await client.query({ name: 'put', text: PUT, values: arrays(put, KEY_COLUMNS.length + OTHER_COLUMNS.length) });
  await client.query({
    name: 'checkpoint',
    text: 'update bound_checkpoint set position = $1',
    values: [events.at(-1)!.position],
  });
  await client.query('commit');
}

const unnest = (types: readonly string[]): string =>
  `unnest(${types.map((type, index) => `$${index + 1}::${type}[]`).join(', ')})`;
const KEY_TYPES = KEY_COLUMNS.map(() => 'text');
const DELETE = `delete from bound b using ${unnest(KEY_TYPES)} as g(${KEY_COLUMNS.join(', ')})
  where ${KEY_COLUMNS.map((column) => `b.${column} = g.${column}`).join(' and ')}`;
const PUT = `insert into bound (${COLUMNS}) select * from ${unnest([...KEY_TYPES, ...TYPES])}
  on conflict (${KEY_COLUMNS.join(', ')}) do update set ${SET}`;

export interface Rebuild {
  eventsPerSecond: number;
  /** Within the time; all, unless it ran out. */
  events: number;
}
export interface RebuildPeer {
  measure(): Promise<Rebuild>;
  close(): Promise<void>;
}
interface EmmettConsumer {
  start(): Promise<void>;
  stop(): Promise<void>;
  close(): Promise<void>;
}
interface Emmett {
  getPostgreSQLEventStore(url: string): { schema: { migrate(): Promise<unknown> }; close(): Promise<void> };
  rebuildPostgreSQLProjections(options: { connectionString: string; projections: unknown[] }): EmmettConsumer;
  postgreSQLRawSQLProjection(options: {
    name: string;
    canHandle: readonly string[];
    evolve: (event: EmmettEvent) => unknown[];
  }): unknown;
}
type EmmettEvent = Happened & { metadata: Recorded['metadata'] & { streamName: string } };

/** The same upserts, one for each event, in emmett's own rebuild: in pieces of 100 events, as it does unless told. */
export async function openEmmettRebuild(
  serverUrl: string,
  events: readonly StoredEvent[],
  limitMs: number,
): Promise<RebuildPeer | MissingPeer> {
  const load = installedPeers();
  if ('missing' in load) return load;
  const emmett = (await load('@event-driven-io/emmett-postgresql')) as Emmett;
  const { rawSql } = (await load('@event-driven-io/dumbo')) as { rawSql: (sql: string) => unknown };
  const url = await createDatabase(serverUrl);
  const store = emmett.getPostgreSQLEventStore(url);
  await store.schema.migrate();
  await store.close();
  await storeForEmmett(url, events);
  let round = 0;
  return {
    measure: async () => {
      await inDatabase(url, `drop table if exists rebuilt; create table rebuilt ${TABLE_ALONE}; checkpoint`);
      const projection = emmett.postgreSQLRawSQLProjection({
        name: `assignments-${++round}`,
        canHandle: ['role-granted.v1', 'role-ended.v1'],
        evolve: (event) => statementsOf(event).map(rawSql),
      });
      const consumer = emmett.rebuildPostgreSQLProjections({ connectionString: url, projections: [projection] });
      return rebuild(consumer, url, events.length, limitMs);
    },
    close: async () => undefined,
  };
}
