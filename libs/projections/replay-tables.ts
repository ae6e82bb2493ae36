import type { ClientBase } from 'pg';
import type { Row, Table } from './read-model.js';
import { copyContent, copyRows } from './replay-copy.js';
import { KnownKeys } from './replay-known-keys.js';
import type { TableFold } from './row-fold.js';
import { forgetRows, quote, writeTable } from './row-writer.js';

interface Index {
  name: string;
  primary: boolean;
  unique: boolean;
  /** Backs a primary key or a unique constraint. */
  constraint: boolean;
  /** What comes after the table's name in DDL. */
  definition: string;
  columns: string[];
}

const LONGEST_IDENTIFIER = 63;

export function nextName(name: string): string {
  const next = `${name}__next`;
  if (next.length > LONGEST_IDENTIFIER) throw new Error(`the name ${name} is too long to be replayed`);
  return next;
}

/** The table that a replay fills beside a live one, which has its indexes only once they are needed. */
export class NextTable {
  private readonly prepared = new Set<string>();
  /** Unknown where an earlier replay began the table. */
  private keys: KnownKeys | undefined;

  private constructor(
    private readonly client: ClientBase,
    readonly table: Table,
    private readonly primary: Index,
    private readonly indexes: readonly Index[],
  ) {}

  static async of(client: ClientBase, table: Table): Promise<NextTable> {
    const { rows } = await client.query<Index>(INDEXES, [quote(table.name)]);
    const primary = rows.find((index) => index.primary);
    if (!primary || [...table.key].sort().join() !== [...primary.columns].sort().join()) {
      throw new Error(`the primary key of the table ${table.name} is not the key of its read model`);
    }
    return new NextTable(client, table, primary, rows);
  }

  /** Whether an interrupted replay left it, with the columns that the live table has now. */
  async isKept(): Promise<boolean> {
    const { rows } = await this.client.query<{ live: string; next: string | null }>(
      `select ${columnsOf('$1')} as live, ${columnsOf('$2')} as next`,
      [quote(this.table.name), quote(nextName(this.table.name))],
    );
    return rows[0]!.live === rows[0]!.next;
  }

  async create(): Promise<void> {
    const [live, next] = this.names();
    await this.client.query(`drop table if exists ${next}`);
    await this.client.query(`create table ${next} (like ${live} including all excluding indexes)`);
    this.keys = new KnownKeys();
  }

  /**
   * Rows that are new for certain are copied, and what would change a row that was never there is left out; all else
   * finds the rows it changes by their key.
   * @returns what writes them, in the caller's transaction: to be run in the order of the calls
   */
  prepare(fold: TableFold): () => Promise<void> {
    const fresh = this.takeFresh(fold);
    const content = fresh.length > 0 ? copyContent(this.table, fresh) : undefined;
    const name = nextName(this.table.name);
    return async () => {
      if (fold.rows.size > 0) await this.build(this.primary);
      for (const where of fold.removals) await this.prepareRemoval(where);
      await writeTable(this.client, fold, name);
      if (content) await copyRows(this.client, this.table, name, content);
      await forgetRows(this.client, fold, name);
    };
  }

  private takeFresh({ rows }: TableFold): Row[] {
    const { keys } = this;
    const fresh: Row[] = [];
    if (!keys) return fresh;
    for (const [key, pending] of rows) {
      const isPut = 'put' in pending;
      if (isPut ? keys.add(key) : keys.mayHave(key)) continue;
      if (isPut) fresh.push(pending.put);
      rows.delete(key);
    }
    return fresh;
  }

  /** Removals of many rows look them up by something else than the key: without its index each would scan the table. */
  private async prepareRemoval(where: Row): Promise<void> {
    const shape = Object.keys(where).join();
    if (this.prepared.has(shape)) return;
    this.prepared.add(shape);
    const served = ({ columns }: Index): number => {
      const gap = columns.findIndex((column) => !(column in where));
      return gap < 0 ? columns.length : gap;
    };
    const best = [...this.indexes].sort((a, b) => served(b) - served(a))[0]!;
    if (served(best) > 0) await this.build(best);
  }

  async buildAll(afterStep: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    for (const index of this.indexes) {
      await this.build(index);
      await afterStep();
    }
  }

  /** Builds what is missing and leaves the table as fit for queries as the live one. */
  async finish(afterStep: () => Promise<void>): Promise<void> {
    await this.buildAll(afterStep);
    await this.client.query(`vacuum (analyze) ${this.names()[1]}`);
    await afterStep();
  }

  /** Takes the live table's place and names, in the caller's transaction, which holds it locked. */
  async takePlace(): Promise<void> {
    const [live, next] = this.names();
    const { rows } = await this.client.query<{ grant: string }>(GRANTS, [live, next]);
    for (const { grant } of rows) await this.client.query(grant);
    await this.client.query(`drop table ${live}`);
    await this.client.query(`alter table ${next} rename to ${live}`);
    for (const { name } of this.indexes) {
      await this.client.query(`alter index ${quote(nextName(name))} rename to ${quote(name)}`);
    }
  }

  private async build(index: Index): Promise<void> {
    const [, next] = this.names();
    const name = nextName(index.name);
    const { rows } = await this.client.query('select where to_regclass($1) is not null', [quote(name)]);
    if (rows.length > 0) return;
    const { unique, constraint, definition } = index;
    await this.client.query(
      constraint
        ? `alter table ${next} add constraint ${quote(name)} ${definition}`
        : `create ${unique ? 'unique ' : ''}index ${quote(name)} on ${next} using ${definition}`,
    );
  }

  private names(): [live: string, next: string] {
    return [quote(this.table.name), quote(nextName(this.table.name))];
  }
}

const INDEXES = `
  select c.relname as name, i.indisprimary as primary, i.indisunique as unique, o.oid is not null as constraint,
    coalesce(pg_get_constraintdef(o.oid), substring(pg_get_indexdef(i.indexrelid) from ' USING (.*)$')) as definition,
    array(select a.attname::text from unnest(i.indkey) with ordinality k(number, place)
      join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number order by k.place) as columns
  from pg_index i join pg_class c on c.oid = i.indexrelid
  left join pg_constraint o on o.conindid = i.indexrelid and o.conrelid = i.indrelid and o.contype in ('p', 'u', 'x')
  where i.indrelid = $1::regclass order by i.indisprimary desc, name`;

const GRANTS = `
  select format('grant %s on %s to %s%s', g.privilege_type, $2::text,
    case when g.grantee = 0 then 'public' else g.grantee::regrole::text end,
    case when g.is_grantable then ' with grant option' else '' end) as grant
  from pg_class c, aclexplode(c.relacl) g where c.oid = $1::regclass and g.grantee <> c.relowner`;

function columnsOf(parameter: string): string {
  return `(select string_agg(format('%I %s %s', attname, format_type(atttypid, atttypmod), attnotnull), ', ' order by attnum)
    from pg_attribute where attrelid = to_regclass(${parameter}::text) and attnum > 0 and not attisdropped)`;
}
