import type { Recorded } from '../event-store/index.js';
import type { Statements } from '../platform/core.js';
import type { ReadModel } from './read-model.js';
import { TableFold } from './row-fold.js';
import { forgetRows, writeTable } from './row-writer.js';

/** Folds a batch of events into the rows of some read models and writes them in the caller's transaction. */
export class Projector {
  constructor(private readonly models: readonly ReadModel[]) {}

  async project(client: Statements, events: readonly Recorded[]): Promise<void> {
    for (const fold of this.fold(events)) {
      await writeTable(client, fold, fold.table.name);
      await forgetRows(client, fold, fold.table.name);
    }
  }

  fold(events: readonly Recorded[]): TableFold[] {
    const folds = this.emptyFolds();
    this.foldInto(folds, events);
    return [...folds.values()].filter((fold) => !fold.isEmpty);
  }

  /** By the names of the tables. */
  emptyFolds(): Map<string, TableFold> {
    const tables = this.models.flatMap((model) => model.tables);
    return new Map(tables.map((table) => [table.name, new TableFold(table)]));
  }

  foldInto(folds: ReadonlyMap<string, TableFold>, events: readonly Recorded[]): void {
    for (const model of this.models) {
      for (const event of events) {
        for (const change of model.changes[event.type]?.(event) ?? []) {
          const fold = folds.get(change.table);
          if (!fold) throw new Error(`the read model ${model.name} has no table ${change.table}`);
          fold.apply(change);
        }
      }
    }
  }
}
