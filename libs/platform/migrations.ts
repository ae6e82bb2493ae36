import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DEFAULT_MIGRATION_TABLE, Kysely, Migrator, PostgresDialect, sql } from 'kysely';
import type { Migration, MigrationProvider } from 'kysely';
import pg from 'pg';
import { openPool } from './database.js';

const FILE_NAME = /^(\d{4})[_-][a-z0-9_-]+\.sql$/;

function migrationOf(path: string): Migration {
  return {
    up: async (db) => {
      await sql.raw(await readFile(path, 'utf8')).execute(db);
    },
  };
}

class SqlFiles implements MigrationProvider {
  constructor(private readonly folder: string) {}

  async getMigrations(): Promise<Record<string, Migration>> {
    const files = (await readdir(this.folder)).filter((name) => !name.startsWith('.')).sort();
    const numbers = new Set<string>();
    for (const file of files) {
      const number = FILE_NAME.exec(file)?.[1];
      if (number === undefined) throw new Error(`${file} is not named like a migration: 0001_what_it_does.sql`);
      if (numbers.has(number)) throw new Error(`two migrations have the number ${number}`);
      numbers.add(number);
    }
    return Object.fromEntries(
      files.map((file) => [file.slice(0, -'.sql'.length), migrationOf(join(this.folder, file))]),
    );
  }
}

/** Of the files of a folder, in order. @throws where two have one number, or one is named otherwise */
export async function migrationNames(folder: string): Promise<string[]> {
  return Object.keys(await new SqlFiles(folder).getMigrations());
}

/** A pool for an address is opened without a limit on statements: a migration takes as long as it takes. */
async function withMigrator<T>(
  database: string | pg.Pool,
  folder: string,
  use: (migrator: Migrator) => Promise<T>,
): Promise<T> {
  const pool =
    typeof database === 'string'
      ? openPool({ url: database, max: 2, applicationName: 'countersign-migrations', statementTimeoutMs: 0 })
      : database;
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  try {
    return await use(new Migrator({ db, provider: new SqlFiles(folder) }));
  } finally {
    if (pool !== database) await pool.end();
  }
}

/**
 * Applies the numbered SQL files of a folder that aren't applied yet, all or none. Processes that start at once wait
 * for the one that does it.
 * @returns the names of those it applied
 */
export async function migrate(database: string | pg.Pool, folder: string): Promise<string[]> {
  return withMigrator(database, folder, async (migrator) => {
    const { error, results = [] } = await migrator.migrateToLatest();
    if (error !== undefined) {
      const failed = results.find(({ status }) => status === 'Error')?.migrationName;
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(failed ? `migration ${failed} failed: ${reason}` : reason, { cause: error });
    }
    return results.map(({ migrationName }) => migrationName);
  });
}

export interface MigrationStanding {
  /** What `migrate` would apply. */
  pending: string[];
  /** Applied by a version that knows more files than there are. */
  unknown: string[];
}

/** How a database stands to the files of a folder; it may have been migrated by a newer version already. */
export async function migrationStanding(pool: pg.Pool, folder: string): Promise<MigrationStanding> {
  const known = await withMigrator(pool, folder, (migrator) => migrator.getMigrations());
  const pending = known.filter(({ executedAt }) => executedAt === undefined).map(({ name }) => name);
  if (pending.length === known.length) return { pending, unknown: [] };
  const { rows } = await pool.query<{ name: string }>(`select name from ${DEFAULT_MIGRATION_TABLE}`);
  const names = new Set(known.map(({ name }) => name));
  return { pending, unknown: rows.map(({ name }) => name).filter((name) => !names.has(name)) };
}
