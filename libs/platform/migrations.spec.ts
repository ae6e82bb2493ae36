import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { createTestDatabase } from '../testing/index.js';
import type { TestDatabase } from '../testing/index.js';
import { openPool } from './database.js';
import { migrate, migrationNames, migrationStanding } from './migrations.js';

let database: TestDatabase;
let pool: pg.Pool;
let folder: string;

beforeEach(async () => {
  database = await createTestDatabase({ empty: true });
  pool = openPool({ url: database.url, applicationName: 'migrations spec' });
  folder = await mkdtemp(join(tmpdir(), 'migrations-'));
  await write('0001_first.sql', 'create table spec_first (id int); insert into spec_first values (1);');
  await write('0002_second.sql', 'create table spec_second (id int);');
});

afterEach(async () => {
  await pool.end();
  await database.drop();
  await rm(folder, { recursive: true });
});

function write(name: string, content: string): Promise<void> {
  return writeFile(join(folder, name), content);
}

async function exists(table: string): Promise<boolean> {
  const { rows } = await pool.query<{ exists: boolean }>('select to_regclass($1) is not null as exists', [table]);
  return rows[0]!.exists;
}

describe('migrations', () => {
  it('are applied in the order of their numbers, once', async () => {
    expect(await migrate(database.url, folder)).toEqual(['0001_first', '0002_second']);
    expect(await exists('spec_second')).toBe(true);
    expect(await migrate(pool, folder)).toEqual([]);
  });

  it('are told before they are applied', async () => {
    expect(await migrationStanding(pool, folder)).toEqual({ pending: ['0001_first', '0002_second'], unknown: [] });
    await migrate(database.url, folder);
    await write('0003_third.sql', 'select 1;');
    expect(await migrationStanding(pool, folder)).toEqual({ pending: ['0003_third'], unknown: [] });
    expect(await migrate(pool, folder)).toEqual(['0003_third']);
  });

  it('may have been applied by a newer version, whose files this one does not know', async () => {
    await migrate(pool, folder);
    await rm(join(folder, '0002_second.sql'));
    await write('0003_third.sql', 'select 1;');
    expect(await migrationStanding(pool, folder)).toEqual({ pending: ['0003_third'], unknown: ['0002_second'] });
  });

  it('are applied once when four processes start at the same time', async () => {
    const applied = await Promise.all(Array.from({ length: 4 }, () => migrate(database.url, folder)));
    expect(applied.flat().sort()).toEqual(['0001_first', '0002_second']);
    expect((await pool.query('select id from spec_first')).rows).toEqual([{ id: 1 }]);
  });

  it('are all undone when one fails, which is named', async () => {
    await write('0003_third.sql', 'create table spec_third (id int); select 1/0;');
    await expect(migrate(database.url, folder)).rejects.toThrow('migration 0003_third failed: division by zero');
    expect(await exists('spec_first')).toBe(false);
    expect(await exists('spec_third')).toBe(false);
  });

  it('may not be inserted before one that is applied', async () => {
    await migrate(database.url, folder);
    await write('0000_late.sql', 'select 1;');
    await expect(migrate(database.url, folder)).rejects.toThrow(/corrupted migrations/);
  });

  it.each([
    ['3_short_number.sql', /not named like a migration/],
    ['0003_notes.txt', /not named like a migration/],
    ['0002_twice.sql', /two migrations have the number 0002/],
  ])('are refused when a file is named %s', async (name, reason) => {
    await write(name, 'select 1;');
    await expect(migrate(database.url, folder)).rejects.toThrow(reason);
    await expect(migrationNames(folder)).rejects.toThrow(reason);
  });
});
