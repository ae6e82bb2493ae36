import type { ClientBase } from 'pg';
import { BEFORE_START, type Recorded } from '../event-store/index.js';
import { Projector } from './projector.js';
import type { ReadModel } from './read-model.js';
import { NextTable } from './replay-tables.js';

/** A read model on its way from the start of the log. */
export class ReplayRun {
  private readonly projector: Projector;

  private constructor(
    readonly model: ReadModel,
    private readonly tables: ReadonlyMap<string, NextTable>,
    /** Of the last event in the rows. */
    public position: number,
  ) {
    this.projector = new Projector([model]);
  }

  /** Goes on with what an interrupted replay of the same version has left, or begins. In the caller's transaction. */
  static async open(client: ClientBase, model: ReadModel): Promise<ReplayRun> {
    const tables: NextTable[] = [];
    for (const table of model.tables) tables.push(await NextTable.of(client, table));
    const kept = await keptPosition(client, model, tables);
    if (kept === undefined) await begin(client, model, tables);
    return new ReplayRun(model, new Map(tables.map((next) => [next.table.name, next])), kept ?? BEFORE_START);
  }

  /** Folds the events that are not in the rows yet, in the caller's transaction. */
  async fold(events: readonly Recorded[]): Promise<void> {
    const fresh = events.filter(({ position }) => position > this.position);
    for (const fold of this.projector.fold(fresh)) await this.tables.get(fold.table.name)!.write(fold);
  }

  async finish(): Promise<void> {
    for (const table of this.tables.values()) await table.finish();
  }

  async takePlace(): Promise<void> {
    for (const table of this.tables.values()) await table.takePlace();
  }
}

async function keptPosition(
  client: ClientBase,
  { name, version }: ReadModel,
  tables: readonly NextTable[],
): Promise<number | undefined> {
  const { rows } = await client.query<{ position: number }>(
    'select position from replay_run where model = $1 and version = $2',
    [name, version],
  );
  for (const table of tables) if (!(await table.isKept())) return undefined;
  return rows[0]?.position;
}

async function begin(client: ClientBase, { name, version }: ReadModel, tables: readonly NextTable[]): Promise<void> {
  for (const table of tables) await table.create();
  await client.query(
    `insert into replay_run (model, version, position) values ($1, $2, $3) on conflict (model) do update
       set version = excluded.version, position = excluded.position, started_at = clock_timestamp()`,
    [name, version, BEFORE_START],
  );
}
