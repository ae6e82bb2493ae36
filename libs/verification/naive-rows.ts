import { canonicalJson } from '../platform/index.js';
import type { ColumnType, ReadModel, Row, RowChange, Table, Value } from '../projections/index.js';
import type { Recorded } from '../event-store/index.js';

/** A row as text: the same for rows that say the same. */
export type RowText = Readonly<Record<string, string | null>>;

/** The rows of one table, one change at a time. */
export class NaiveTable {
  readonly rows = new Map<string, RowText>();

  constructor(readonly table: Table) {}

  apply(change: RowChange): void {
    if ('put' in change) {
      const row = this.normalise(change.put);
      this.rows.set(this.keyOf(row), row);
    } else if ('remove' in change) {
      this.rows.delete(this.keyOf(this.normalise(change.remove)));
    } else if ('patch' in change) {
      const key = this.keyOf(this.normalise(change.key));
      const row = this.rows.get(key);
      if (row) this.rows.set(key, { ...row, ...this.named(change.patch) });
    } else if ('forgetWhere' in change) {
      for (const [key, row] of this.matching(this.named(change.forgetWhere))) {
        this.rows.set(key, { ...row, ...this.named(change.set) });
      }
    } else for (const [key] of this.matching(this.named(change.removeWhere))) this.rows.delete(key);
  }

  /** Every column of the table; null where the row has none. */
  normalise(row: Row): RowText {
    const { columns } = this.table;
    return Object.fromEntries(Object.keys(columns).map((name) => [name, textOf(row[name], columns[name]!)]));
  }

  keyOf(row: RowText): string {
    return this.table.key.map((column) => `${column}=${row[column]}`).join(' ');
  }

  private matching(where: RowText): [string, RowText][] {
    const wanted = Object.entries(where);
    return [...this.rows].filter(([, row]) => {
      return wanted.every(([column, value]) => value !== null && row[column] === value);
    });
  }

  private named(row: Row): RowText {
    return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, textOf(value, this.type(name))]));
  }

  private type(column: string): ColumnType {
    const type = this.table.columns[column];
    if (!type) throw new Error(`the table ${this.table.name} has no column ${column}`);
    return type;
  }
}

/** All read models, an event at a time. */
export class NaiveReadModels {
  readonly tables: ReadonlyMap<string, NaiveTable>;

  constructor(private readonly models: readonly ReadModel[]) {
    const tables = models.flatMap((model) => model.tables);
    this.tables = new Map(tables.map((table) => [table.name, new NaiveTable(table)]));
  }

  apply(event: Recorded): void {
    for (const model of this.models) {
      for (const change of model.changes[event.type]?.(event) ?? []) this.tables.get(change.table)!.apply(change);
    }
  }
}

function textOf(value: Value | Date | undefined, type: ColumnType): string | null {
  if (value === null || value === undefined) return null;
  if (type === 'timestamptz') return new Date(value as string | Date).toISOString();
  if (type === 'jsonb') return canonicalJson(value);
  return String(value);
}
