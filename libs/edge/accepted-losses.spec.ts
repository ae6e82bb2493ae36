import type { Pool } from 'pg';
import { openPool } from '../platform/index.js';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.js';
import { AcceptedLosses } from './accepted-losses.js';

let database: TestDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = openPool({ url: database.url, applicationName: 'losses' });
});

afterAll(async () => {
  await pool?.end();
  await database?.drop();
});

beforeEach(() => pool.query('delete from lost_audit_entry'));

async function lose(at: string, ...positions: number[]): Promise<void> {
  await pool.query(
    `insert into lost_audit_entry select $1::timestamptz, position, '{}' from unnest($2::bigint[]) position`,
    [at, positions],
  );
}

const FIRST = '2030-01-01T00:00:00.000001Z';
const SECOND = '2030-02-01T00:00:00.000002Z';

it('where nothing was ever lost, no position is', async () => {
  const losses = new AcceptedLosses(pool);
  expect(await losses.latest()).toBeUndefined();
  expect(await losses.isLost(1_000_000, undefined)).toBe(false);
});

it('from the first lost event on a position of before is another event’s, and one of after is its own', async () => {
  await lose(FIRST, 7, 9, 12);
  const losses = new AcceptedLosses(pool);
  const since = await losses.latest();
  expect(since).toEqual(expect.any(Number));
  expect(await losses.isLost(6, undefined)).toBe(false);
  for (const position of [7, 8, 12, 50]) expect(await losses.isLost(position, undefined)).toBe(true);
  for (const position of [7, 8, 12, 50]) expect(await losses.isLost(position, since)).toBe(false);
});

it('each loss counts for what was told before it, whether or not another one was', async () => {
  await lose(FIRST, 7);
  const first = await new AcceptedLosses(pool).latest();
  await lose(SECOND, 20, 21);
  const losses = new AcceptedLosses(pool);
  expect(await losses.latest()).not.toBe(first);
  expect(await losses.isLost(19, first)).toBe(false);
  expect(await losses.isLost(20, first)).toBe(true);
  expect(await losses.isLost(7, undefined)).toBe(true);
  expect(await losses.isLost(7, 12_345)).toBe(true);
});

it('a database that is away is asked again', async () => {
  let away = true;
  const query = (text: string): unknown => (away ? Promise.reject(new Error('away')) : pool.query(text));
  const losses = new AcceptedLosses({ query } as unknown as Pool);
  await expect(losses.latest()).rejects.toThrow('away');
  away = false;
  expect(await losses.latest()).toBeUndefined();
});
