import type { StoredEvent } from '../../libs/event-store/index.js';
import { openPool } from '../../libs/platform/index.js';
import { countRows, createDatabase, inDatabase } from './bench-databases.js';
import type { MissingPeer } from './bench-row.js';
import { installedPeers } from './peers.js';
import { changesOf, COLUMNS, CONFLICT, createRows, type Happened, KEY, type KeyChange } from './replay-rows.js';

export interface Rebuild {
  eventsPerSecond: number;
  /** Fewer than there are where the time ran out. */
  events: number;
}
export interface RebuildPeer {
  measure(): Promise<Rebuild>;
}

interface EmmettEvent extends Omit<Happened, 'metadata'> {
  metadata: Happened['metadata'] & { streamName: string };
}
interface Consumer {
  start(): Promise<void>;
  close(): Promise<void>;
}
interface Emmett {
  getPostgreSQLEventStore(url: string): { schema: { migrate(): Promise<unknown> }; close(): Promise<void> };
  postgreSQLRawSQLProjection(options: {
    name: string;
    canHandle: readonly string[];
    evolve: (event: EmmettEvent) => unknown[];
  }): unknown;
  rebuildPostgreSQLProjections(options: { connectionString: string; projections: unknown[] }): Consumer;
}
interface Dumbo {
  rawSql(text: string): unknown;
}

const TABLE = 'rebuilt';

/** emmett's rebuild with one raw SQL projection: the same upserts, one for each event, in its own pieces of 100. */
export async function openEmmettRebuild(
  serverUrl: string,
  events: readonly StoredEvent[],
  limitMs: number,
): Promise<RebuildPeer | MissingPeer> {
  const load = installedPeers();
  if ('missing' in load) return load;
  const emmett = (await load('@event-driven-io/emmett-postgresql')) as Emmett;
  const { rawSql } = (await load('@event-driven-io/dumbo')) as Dumbo;
  const url = await createDatabase(serverUrl);
  const store = emmett.getPostgreSQLEventStore(url);
  await store.schema.migrate();
  await store.close();
  await storeInEmmett(url, events);
  let round = 0;
  return {
    measure: async () => {
      await inDatabase(url, createRows(TABLE));
      const name = `assignments-${++round}`;
      let handled = 0;
      const evolve = (event: EmmettEvent): unknown[] => {
        handled++;
        return changesOf(event, event.metadata.streamName).map((change) => rawSql(statementOf(change)));
      };
      const canHandle = ['role-granted.v1', 'role-ended.v1'];
      const projections = [emmett.postgreSQLRawSQLProjection({ name, canHandle, evolve })];
      const consumer = emmett.rebuildPostgreSQLProjections({ connectionString: url, projections });
      const seconds = await runFor(consumer, limitMs);
      if (handled === events.length) await requireRows(url, events);
      return { eventsPerSecond: handled / seconds, events: handled };
    },
  };
}

async function runFor(consumer: Consumer, limitMs: number): Promise<number> {
  const startedAt = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<void>((resolve) => (timer = setTimeout(resolve, limitMs)));
  await Promise.race([consumer.start(), timeUp]);
  clearTimeout(timer);
  const seconds = (performance.now() - startedAt) / 1_000;
  await consumer.close();
  return seconds;
}

function statementOf({ key, rest }: KeyChange): string {
  const literals = (values: readonly (string | null)[]): string[] =>
    values.map((value) => (value === null ? 'null' : `'${value.replaceAll("'", "''")}'`));
  if (rest)
    return `insert into ${TABLE} (${COLUMNS.join(', ')}) values (${literals([...key, ...rest]).join(', ')}) ${CONFLICT}`;
  const values = literals(key);
  return `delete from ${TABLE} where ${KEY.map((column, index) => `${column} = ${values[index]}`).join(' and ')}`;
}

async function storeInEmmett(url: string, events: readonly StoredEvent[]): Promise<void> {
  const pool = openPool({ url, max: 1, applicationName: 'bench', statementTimeoutMs: 0 });
  try {
    await pool.query(
      `insert into emt_messages (stream_id, stream_position, partition, message_schema_version, message_id, message_type,
         message_data, message_metadata, transaction_id)
       select s, r + 1, 'emt:default', '1', i, t, d::jsonb, m::jsonb, pg_current_xact_id()
       from unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[]) as e(s, r, i, t, d, m)`,
      [
        events.map(({ stream }) => stream),
        events.map(({ revision }) => revision),
        events.map(({ id }) => id),
        events.map(({ type }) => type),
        events.map(({ data }) => JSON.stringify(data)),
        events.map(({ metadata }) => JSON.stringify(metadata)),
      ],
    );
    await pool.query('vacuum (analyze) emt_messages');
  } finally {
    await pool.end();
  }
}

async function requireRows(url: string, events: readonly StoredEvent[]): Promise<void> {
  const wanted = new Set<string>();
  for (const event of events) {
    for (const { key, rest } of changesOf(event as unknown as Happened, event.stream)) {
      if (rest) wanted.add(key.join());
      else wanted.delete(key.join());
    }
  }
  const rows = await countRows(url, TABLE);
  if (rows !== wanted.size) throw new Error(`emmett has rebuilt ${rows} rows of ${wanted.size}`);
}
