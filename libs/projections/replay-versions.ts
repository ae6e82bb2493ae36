import type { ClientBase, Pool } from 'pg';
import type { Domain } from './domain.js';
import type { ReadModel } from './read-model.js';

export interface OutdatedModel {
  model: string;
  /** Of the rows; null where the model has never been filled from the start of the log. */
  stored: number | null;
  /** Of the code. */
  wanted: number;
}

/** The read models whose rows another version of the code wrote: they want a replay. */
export async function outdatedModels(
  pool: Pick<Pool, 'query'>,
  { readModels }: Pick<Domain, 'readModels'>,
): Promise<OutdatedModel[]> {
  const { rows } = await pool.query<{ model: string; version: number }>(
    'select model, version from read_model_version',
  );
  const stored = new Map(rows.map(({ model, version }) => [model, version]));
  return readModels
    .filter(({ name, version }) => stored.get(name) !== version)
    .map(({ name, version }) => ({ model: name, stored: stored.get(name) ?? null, wanted: version }));
}

/** Notes today's versions where the relay has not committed anything yet: it fills every model from the start. */
export async function adoptVersions(
  pool: Pick<Pool, 'query'>,
  { readModels }: Pick<Domain, 'readModels'>,
): Promise<void> {
  await pool.query(
    `insert into read_model_version (model, version) select * from unnest($1::text[], $2::integer[])
     where not exists (select from relay_checkpoint) and not exists (select from audit_entry)
     on conflict (model) do update set version = excluded.version`,
    [readModels.map(({ name }) => name), readModels.map(({ version }) => version)],
  );
}

export async function rememberVersions(client: ClientBase, models: readonly ReadModel[]): Promise<void> {
  await client.query(
    `insert into read_model_version (model, version) select * from unnest($1::text[], $2::integer[])
     on conflict (model) do update set version = excluded.version`,
    [models.map(({ name }) => name), models.map(({ version }) => version)],
  );
}
