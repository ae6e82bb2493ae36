import type { Statements } from '../platform/core.js';
import type { Row, Table, Value } from './read-model.js';
import type { Pending, TableFold } from './row-fold.js';

/** Writes a folded batch with a handful of set-based statements, however many rows it has. */
export async function writeTable(client: Statements, fold: TableFold, physicalName: string): Promise<void> {
  const writer = writerOf(client, fold, physicalName);
  for (const where of fold.removals) await writer.removeWhere(where);
  const pending = [...fold.rows.values()];
  await writer.remove(pending.flatMap((row) => ('remove' in row ? [row.remove] : [])));
  await writer.put(pending.flatMap((row) => ('put' in row ? [row.put] : [])));
  await writer.patch(pending.flatMap((row) => ('patch' in row ? [row] : [])));
}

/** After everything else of the batch is written. */
export async function forgetRows(client: Statements, fold: TableFold, physicalName: string): Promise<void> {
  const writer = writerOf(client, fold, physicalName);
  for (const { where, set } of fold.forgotten) await writer.setWhere(where, set);
}

function writerOf(client: Statements, { table }: TableFold, physicalName: string): TableWriter {
  return new TableWriter(client, table, quote(physicalName), physicalName === table.name);
}

class TableWriter {
  constructor(
    private readonly client: Statements,
    private readonly table: Table,
    private readonly name: string,
    /** Whether its statements are prepared: it will be written to again and again. */
    private readonly lasting: boolean,
  ) {}

  async removeWhere(where: Row): Promise<void> {
    await this.client.query(
      `delete from ${this.name} where ${this.equal(where, 1).join(' and ')}`,
      Object.values(where).map(encode),
    );
  }

  async setWhere(where: Row, set: Row): Promise<void> {
    const [wanted, condition] = [this.equal(set, 1), this.equal(where, 1 + Object.keys(set).length)];
    await this.client.query(
      `update ${this.name} set ${wanted.join(', ')} where ${condition.join(' and ')}`,
      [...Object.values(set), ...Object.values(where)].map(encode),
    );
  }

  private equal(row: Row, firstParameter: number): string[] {
    return Object.keys(row).map((column, index) => {
      return `${quote(column)} = $${firstParameter + index}::${this.type(column)}`;
    });
  }

  async remove(keys: readonly Row[]): Promise<void> {
    if (keys.length === 0) return;
    const { key } = this.table;
    const match = key.map((column) => `t.${quote(column)} = u.${quote(column)}`).join(' and ');
    await this.client.query(
      `delete from ${this.name} t using (${this.unnest(key)}) u where ${match}`,
      this.arrays(key, keys),
    );
  }

  async put(rows: readonly Row[]): Promise<void> {
    if (rows.length === 0) return;
    const columns = Object.keys(this.table.columns);
    const names = columns.map(quote).join(', ');
    const set = columns
      .filter((column) => !this.table.key.includes(column))
      .map((column) => `${quote(column)} = excluded.${quote(column)}`);
    const conflict = `on conflict (${this.table.key.map(quote).join(', ')}) do`;
    await this.client.query({
      name: this.lasting ? `put-${this.table.name}` : undefined,
      text:
        `insert into ${this.name} (${names}) ${this.unnest(columns)} ` +
        (set.length > 0 ? `${conflict} update set ${set.join(', ')}` : `${conflict} nothing`),
      values: this.arrays(columns, rows),
    });
  }

  async patch(patches: readonly Extract<Pending, { patch: Row }>[]): Promise<void> {
    const byColumns = new Map<string, Row[]>();
    for (const { key, patch } of patches) {
      const shape = Object.keys(patch).sort().join(',');
      byColumns.set(shape, [...(byColumns.get(shape) ?? []), { ...key, ...patch }]);
    }
    for (const [shape, rows] of byColumns) {
      const set = shape.split(',').map((column) => `${quote(column)} = u.${quote(column)}`);
      const match = this.table.key.map((column) => `t.${quote(column)} = u.${quote(column)}`).join(' and ');
      const columns = [...this.table.key, ...shape.split(',')];
      await this.client.query(
        `update ${this.name} t set ${set.join(', ')} from (${this.unnest(columns)}) u where ${match}`,
        this.arrays(columns, rows),
      );
    }
  }

  private unnest(columns: readonly string[]): string {
    const parameters = columns.map((column, index) => `$${index + 1}::${this.arrayType(column)}[]`).join(', ');
    const selected = columns.map((column) => `v.${quote(column)}::${this.type(column)} as ${quote(column)}`).join(', ');
    return `select ${selected} from unnest(${parameters}) as v(${columns.map(quote).join(', ')})`;
  }

  private arrays(columns: readonly string[], rows: readonly Row[]): unknown[] {
    return columns.map((column) => rows.map((row) => encode(row[column])));
  }

  private arrayType(column: string): string {
    const type = this.type(column);
    return type === 'jsonb' ? 'text' : type;
  }

  private type(column: string): string {
    const type = this.table.columns[column];
    if (!type) throw new Error(`the table ${this.table.name} has no column ${column}`);
    return type;
  }
}

function encode(value: Value | undefined): unknown {
  return value !== null && typeof value === 'object' ? JSON.stringify(value) : (value ?? null);
}

export function quote(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}
