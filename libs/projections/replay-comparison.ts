import type { ClientBase, Pool } from 'pg';
import { inTransaction } from '../platform/index.js';
import type { Table } from './read-model.js';
import { nextName } from './replay-tables.js';
import { quote } from './row-writer.js';

/** How the rows of a table differ between the live one and the one rebuilt from the log. */
export interface TableComparison {
  table: string;
  liveRows: number;
  rebuiltRows: number;
  /** Counts of rows by how they differ; all 0 where the tables are the same. */
  onlyLive: number;
  onlyRebuilt: number;
  changed: number;
  /** Keys of the first of them. */
  examples: { key: Record<string, unknown>; difference: 'only-live' | 'only-rebuilt' | 'changed' }[];
}

const EXAMPLES = 20;

/**
 * Compares tables as of one position of the log. The relay is held up only while `reachCheckpoint` runs, not for the
 * comparison, which reads a snapshot of that moment.
 *
 * @param afterStep called after each statement that takes its time
 */
export async function compareTables(
  pool: Pool,
  tables: readonly Table[],
  reachCheckpoint: () => Promise<void>,
  afterStep: () => Promise<void>,
): Promise<TableComparison[]> {
  return inTransaction(
    pool,
    async (client) => {
      await client.query('set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0');
      await client.query('savepoint before_lock');
      await holdRelay(client);
      await reachCheckpoint();
      // The transaction's first query takes its snapshot, which outlives the lock.
      await client.query('select 1');
      await client.query('rollback to savepoint before_lock');
      const compared: TableComparison[] = [];
      for (const table of tables) compared.push(await compareTable(client, table, afterStep));
      return compared;
    },
    'repeatable read',
  );
}

/** Lets the relay commit nothing until the transaction ends, also where it has no checkpoint to lock yet. */
export async function holdRelay(client: ClientBase): Promise<void> {
  await client.query('lock table relay_checkpoint in exclusive mode');
}

export function isSame({ onlyLive, onlyRebuilt, changed }: TableComparison): boolean {
  return onlyLive + onlyRebuilt + changed === 0;
}

async function compareTable(
  client: ClientBase,
  table: Table,
  afterStep: () => Promise<void>,
): Promise<TableComparison> {
  const row = `row(${columnsOf(table).join(', ')})::text`;
  const digest = async (name: string) => {
    const { rows } = await client.query<{ rows: number; hash: string | null }>(
      `select count(*) as rows, bit_xor(hashtextextended(${row}, 0))::text as hash from ${quote(name)}`,
    );
    await afterStep();
    return rows[0]!;
  };
  const [live, rebuilt] = [await digest(table.name), await digest(nextName(table.name))];
  const counts = { liveRows: live.rows, rebuiltRows: rebuilt.rows };
  const same = live.rows === rebuilt.rows && live.hash === rebuilt.hash;
  const none = { onlyLive: 0, onlyRebuilt: 0, changed: 0, examples: [] };
  return { table: table.name, ...counts, ...(same ? none : await differences(client, table)) };
}

type Differences = Pick<TableComparison, 'onlyLive' | 'onlyRebuilt' | 'changed' | 'examples'>;

async function differences(client: ClientBase, table: Table): Promise<Differences> {
  const keys = table.key.map(quote);
  const columns = columnsOf(table);
  const joined = keys.map((key) => `live.${key} = rebuilt.${key}`).join(' and ');
  const [live, rebuilt] = ['live', 'rebuilt'].map(
    (side) => `row(${columns.map((name) => `${side}.${name}`).join(', ')})`,
  );
  const key = table.key.map((name) => `'${name}', coalesce(live.${quote(name)}, rebuilt.${quote(name)})`).join(', ');
  const { rows } = await client.query<Differences>(
    `with differing as materialized (
       select json_build_object(${key}) as key,
         case when rebuilt.${keys[0]} is null then 'only-live' when live.${keys[0]} is null then 'only-rebuilt'
              else 'changed' end as difference
       from ${quote(table.name)} live full join ${quote(nextName(table.name))} rebuilt on ${joined}
       where ${live} is distinct from ${rebuilt})
     select count(*) filter (where difference = 'only-live') as "onlyLive",
       count(*) filter (where difference = 'only-rebuilt') as "onlyRebuilt",
       count(*) filter (where difference = 'changed') as changed,
       coalesce((select json_agg(e) from (select * from differing limit ${EXAMPLES}) e), '[]') as examples
     from differing`,
  );
  return rows[0]!;
}

function columnsOf({ columns }: Table): string[] {
  return Object.keys(columns).map(quote);
}
