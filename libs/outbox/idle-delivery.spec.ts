import type { Pool } from 'pg';
import { type SpiceDb, SpiceDbRefused, SpiceDbUnavailable, type Update } from '../authorization/index.js';
import { openPool, systemIds } from '../platform/index.js';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.js';
import { Delivery, RelationshipsLost } from './delivery.js';

let database: TestDatabase;
let pool: Pool;
let partition = 0;
let now: number;
let away: boolean;
let schema: boolean;
/** How often the mark was read. */
let reads: number;
let tuples: Set<string>;

const spicedb = {
  write: async (updates: readonly Update[]) => {
    if (!schema) throw new SpiceDbRefused('object definition `workspace` not found', 9);
    for (const { operation, tuple } of updates) tuples[operation === 'touch' ? 'add' : 'delete'](tuple);
    return 'revision';
  },
  async *readAll(type: string, id: string) {
    reads++;
    if (away) throw new SpiceDbUnavailable('away');
    if (!schema) throw new SpiceDbRefused('object definition `relay_mark` not found', 9);
    const found = [...tuples].filter((tuple) => tuple.startsWith(`${type}:${id}#`));
    if (found.length > 0) yield found.map((tuple) => ({ tuple, expiresAt: null }));
  },
} as unknown as SpiceDb;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = openPool({ url: database.url, applicationName: 'idle' });
});

afterAll(async () => {
  await pool?.end();
  await database?.drop();
});

beforeEach(() => {
  partition++;
  [now, away, schema, reads, tuples] = [0, false, true, 0, new Set()];
});

const delivery = (): Delivery => new Delivery({ pool, spicedb, partition, maxUpdates: 9, monotonic: () => now });

async function changed(position: number): Promise<void> {
  const tuple = `workspace:w${position}#editor@user:U`;
  await pool.query(`insert into relationship_change values ($1, $2, 0, $3, $4, 'touch')`, [
    ...[partition, position, systemIds.uuid(), tuple],
  ]);
  await pool.query(
    `insert into relay_checkpoint (partition, incarnation, position) values ($1, 'i', $2)
     on conflict (partition) do update set position = excluded.position`,
    [partition, position],
  );
}
async function deliverAll(by: Delivery): Promise<void> {
  while (await by.deliverNext());
}
async function doubt(): Promise<string | null> {
  const { rows } = await pool.query<{ doubt: string | null }>('select doubt from delivery_mark where partition = $1', [
    partition,
  ]);
  return rows[0]!.doubt;
}

it.each([
  ['restored to an earlier time', (backup: Set<string>) => backup],
  ['emptied or replaced', () => new Set<string>()],
])('a SpiceDB that was %s is told though nothing is to be delivered, and looked at seldom', async (how, restored) => {
  const idle = delivery();
  await changed(0);
  await deliverAll(idle);
  const backup = new Set(tuples);
  await changed(1);
  await deliverAll(idle);
  const asked = reads;
  tuples = restored(backup);
  for (now = 1_000; now < 15_000; now += 1_000) expect(await idle.deliverNext()).toBe(false);
  expect(reads).toBe(asked);
  await expect(idle.deliverNext()).rejects.toThrow(RelationshipsLost);
  expect(await doubt()).toContain(how);
});

it('P11 a SpiceDB that lost its schema, too, is told with the next delivery, and nothing is parked', async () => {
  const busy = delivery();
  await changed(0);
  await deliverAll(busy);
  schema = false;
  await changed(1);
  await expect(deliverAll(busy)).rejects.toThrow(RelationshipsLost);
  expect(await doubt()).toContain('emptied or replaced');
  expect((await pool.query('select id from parked')).rows).toEqual([]);
});

it('a SpiceDB that is only away, or whose mark another relay moved, is not taken for another', async () => {
  const idle = delivery();
  await changed(0);
  await deliverAll(idle);
  [away, now] = [true, 15_000];
  expect(await idle.deliverNext()).toBe(false);
  [away, now] = [false, 30_000];
  await changed(1);
  await deliverAll(delivery());
  expect(await idle.deliverNext()).toBe(false);
  await changed(2);
  await deliverAll(idle);
  expect(tuples).toContain('workspace:w2#editor@user:U');
  expect(await doubt()).toBeNull();
});
