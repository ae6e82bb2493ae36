import type { Row, RowChange, Table, Value } from './read-model.js';

export type Pending = { readonly put: Row } | { readonly patch: Row; readonly key: Row } | { readonly remove: Row };

/**
 * The changes of a batch folded to at most one per row, the set-wise removals that come before them, and what is
 * forgotten after them.
 */
export class TableFold {
  readonly rows = new Map<string, Pending>();
  readonly removals: Row[] = [];
  readonly forgotten: { readonly where: Row; readonly set: Row }[] = [];

  constructor(readonly table: Table) {}

  get isEmpty(): boolean {
    return this.rows.size === 0 && this.removals.length === 0 && this.forgotten.length === 0;
  }

  apply(change: RowChange): void {
    if ('put' in change) this.rows.set(this.keyOf(change.put), { put: change.put });
    else if ('remove' in change) this.rows.set(this.keyOf(change.remove), { remove: change.remove });
    else if ('patch' in change) this.patch(change.key, change.patch);
    else if ('forgetWhere' in change) this.forgotten.push({ where: change.forgetWhere, set: change.set });
    else this.removeWhere(change.removeWhere);
  }

  private patch(key: Row, set: Row): void {
    const id = this.keyOf(key);
    const pending = this.rows.get(id);
    if (!pending) this.rows.set(id, { patch: set, key });
    else if ('put' in pending) this.rows.set(id, { put: { ...pending.put, ...set } });
    else if ('patch' in pending) this.rows.set(id, { patch: { ...pending.patch, ...set }, key });
  }

  private removeWhere(where: Row): void {
    this.removals.push(where);
    for (const [id, pending] of this.rows) {
      // What the table has under the key may not match: the put would have changed it.
      if ('put' in pending && matches(pending.put, where)) this.rows.set(id, { remove: pending.put });
    }
  }

  /** Joined by what no stored text has, as the event log refuses it. */
  private keyOf(row: Row): string {
    let id = '';
    for (const column of this.table.key) id += `${required(row, column, this.table)}\0`;
    return id;
  }
}

export function matches(row: Row, where: Row): boolean {
  return Object.entries(where).every(([column, value]) => row[column] === value);
}

function required(row: Row, column: string, table: Table): Value {
  const value = row[column];
  if (value === undefined || value === null) throw new Error(`a row of ${table.name} has no ${column}`);
  return value;
}
