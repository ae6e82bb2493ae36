import type { ClientBase } from 'pg';
import { BEFORE_START, type Recorded } from '../event-store/index.js';
import { Projector } from './projector.js';
import type { ReadModel, Table } from './read-model.js';
import { NextTable } from './replay-tables.js';
import type { TableFold } from './row-fold.js';

/** What a replay rebuilds: tables that follow from the log. */
export interface Rebuilt {
  readonly name: string;
  readonly version: number;
  readonly tables: readonly Table[];
}

/** Writes what was folded, in the caller's transaction. */
export type WriteFolded = () => Promise<void>;

/** Tables on their way from the start of the log. All of it happens in the caller's transaction but for `finish`. */
export abstract class ReplayRun {
  protected constructor(
    readonly rebuilt: Rebuilt,
    protected readonly next: ReadonlyMap<string, NextTable>,
    /** Of the last event in the rows. */
    public position: number,
  ) {}

  /** Folds the events that are not in the rows yet, in memory. */
  fold(events: readonly Recorded[]): void {
    const fresh = events.filter(({ position }) => position > this.position);
    if (fresh.length > 0) this.foldFresh(fresh);
  }

  /** Ends a batch: what is folded next is of another one. Batches are written in the order they were taken in. */
  abstract take(): WriteFolded;
  abstract discard(): void;

  /** @param afterStep called after each statement that takes its time */
  async finish(afterStep: () => Promise<void>): Promise<void> {
    for (const table of this.next.values()) await table.finish(afterStep);
  }

  async takePlace(): Promise<void> {
    for (const table of this.next.values()) await table.takePlace();
  }

  protected abstract foldFresh(events: readonly Recorded[]): void;
}

export class ReadModelRun extends ReplayRun {
  private readonly projector: Projector;
  private folds: ReadonlyMap<string, TableFold>;

  private constructor(model: ReadModel, { next, position }: Opened) {
    super(model, next, position);
    this.projector = new Projector([model]);
    this.folds = this.projector.emptyFolds();
  }

  static async open(client: ClientBase, model: ReadModel): Promise<ReadModelRun> {
    return new ReadModelRun(model, await openTables(client, model));
  }

  take(): WriteFolded {
    const folds = [...this.folds.values()].filter((fold) => !fold.isEmpty);
    this.discard();
    const writes = folds.map((fold) => this.next.get(fold.table.name)!.prepare(fold));
    return async () => {
      for (const write of writes) await write();
    };
  }

  discard(): void {
    this.folds = this.projector.emptyFolds();
  }

  protected foldFresh(events: readonly Recorded[]): void {
    this.projector.foldInto(this.folds, events);
  }
}

export interface Opened {
  next: ReadonlyMap<string, NextTable>;
  position: number;
}

/** Goes on with what an interrupted replay of the same version has left, or begins. In the caller's transaction. */
export async function openTables(client: ClientBase, rebuilt: Rebuilt): Promise<Opened> {
  const tables: NextTable[] = [];
  for (const table of rebuilt.tables) tables.push(await NextTable.of(client, table));
  const kept = await keptPosition(client, rebuilt, tables);
  if (kept === undefined) await begin(client, rebuilt, tables);
  return { next: new Map(tables.map((next) => [next.table.name, next])), position: kept ?? BEFORE_START };
}

async function keptPosition(
  client: ClientBase,
  { name, version }: Rebuilt,
  tables: readonly NextTable[],
): Promise<number | undefined> {
  const { rows } = await client.query<{ position: number }>(
    'select position from replay_run where model = $1 and version = $2',
    [name, version],
  );
  for (const table of tables) if (!(await table.isKept())) return undefined;
  return rows[0]?.position;
}

async function begin(client: ClientBase, { name, version }: Rebuilt, tables: readonly NextTable[]): Promise<void> {
  for (const table of tables) await table.create();
  await client.query(
    `insert into replay_run (model, version, position) values ($1, $2, $3) on conflict (model) do update
       set version = excluded.version, position = excluded.position, started_at = clock_timestamp()`,
    [name, version, BEFORE_START],
  );
}
