import type { Recorded } from '../event-store/index.js';

export type ColumnType = 'text' | 'integer' | 'bigint' | 'boolean' | 'timestamptz' | 'jsonb';
export type Value = string | number | boolean | null | object;
export type Row = Readonly<Record<string, Value>>;

export interface Table {
  readonly name: string;
  readonly key: readonly string[];
  readonly columns: Readonly<Record<string, ColumnType>>;
}

/**
 * What an event does to rows. Key columns and columns named in a `removeWhere` never change by a patch.
 * `forgetWhere` is for the erasure of a person alone: it comes after all other changes of its batch, and counts on it
 * that the person's fields are absent from every event that is read in the same batch or later.
 */
export type RowChange = { readonly table: string } & (
  | { readonly put: Row }
  | { readonly patch: Row; readonly key: Row }
  | { readonly remove: Row }
  | { readonly removeWhere: Row }
  | { readonly forgetWhere: Row; readonly set: Row }
);

/** Rows that queries answer from, as a function of the log. A new `version` asks for a replay. */
export interface ReadModel {
  readonly name: string;
  readonly version: number;
  readonly tables: readonly Table[];
  readonly changes: Readonly<Partial<Record<string, (event: Recorded) => readonly RowChange[]>>>;
}

/** Keeps the event types inside a model exact, and forgets them for the runtime, which handles all models alike. */
export function readModel<Changes extends object>(model: Omit<ReadModel, 'changes'> & { changes: Changes }): ReadModel {
  return model as unknown as ReadModel;
}
