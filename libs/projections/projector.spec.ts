import type { Pool } from 'pg';
import type { Recorded } from '../event-store/index.js';
import { inTransaction, openPool } from '../platform/index.js';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.js';
import { Projector } from './projector.js';
import { readModel, type RowChange } from './read-model.js';

let database: TestDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = openPool({ url: database.url, applicationName: 'projector' });
  await pool.query(
    `create table thing (id text primary key, name text, size integer, data jsonb, at timestamptz);
     create table tag (thing_id text, tag text, primary key (thing_id, tag))`,
  );
});

afterAll(async () => {
  await pool?.end();
  await database?.drop();
});

beforeEach(async () => {
  await pool.query('truncate thing, tag');
});

const model = readModel({
  name: 'things',
  version: 1,
  tables: [
    {
      name: 'thing',
      key: ['id'],
      columns: { id: 'text', name: 'text', size: 'integer', data: 'jsonb', at: 'timestamptz' },
    },
    { name: 'tag', key: ['thing_id', 'tag'], columns: { thing_id: 'text', tag: 'text' } },
  ],
  changes: { 'changed.v1': ({ data }: Recorded) => (data as { rows: RowChange[] }).rows },
});
const at = '2026-01-01T00:00:00.000Z';
const event = (...rows: RowChange[]) => ({ type: 'changed.v1', data: { rows } }) as unknown as Recorded;
const put = (id: string, change: object = {}): RowChange => ({
  table: 'thing',
  put: { id, name: 'n', size: 1, data: ['x'], at, ...change },
});
const tag = (thingId: string, name: string): RowChange => ({ table: 'tag', put: { thing_id: thingId, tag: name } });

async function project(events: readonly Recorded[]): Promise<void> {
  await inTransaction(pool, (client) => new Projector([model]).project(client, events));
}
const things = async () => (await pool.query('select * from thing order by id')).rows;

describe('projecting a batch', () => {
  it('forgets after everything else, in rows of the batch and those that were there', async () => {
    await project([event(put('a', { size: 7 }), put('b', { size: 8 }))]);
    const forget: RowChange = { table: 'thing', forgetWhere: { size: 7 }, set: { name: null, data: null } };
    const changed: RowChange = { table: 'thing', key: { id: 'a' }, patch: { at: null } };
    await project([event(changed, forget, put('c', { size: 7 }))]);
    expect((await things()).map(({ id, name, data }) => [id, name, data])).toEqual([
      ['a', null, null],
      ['b', 'n', ['x']],
      ['c', null, null],
    ]);
    expect((await things())[0]).toMatchObject({ at: null });
  });

  it('writes rows of every type, and null', async () => {
    await project([event(put('a', { name: null, data: { deep: [1, "it's", null] } }))]);
    expect(await things()).toEqual([{ id: 'a', name: null, size: 1, data: { deep: [1, "it's", null] }, at }]);
  });

  it('gives the same rows whether events come one by one or together', async () => {
    const events = [
      event(put('a'), put('b'), tag('a', 'x'), tag('b', 'x'), tag('b', 'y')),
      event({ table: 'thing', key: { id: 'a' }, patch: { name: 'changed' } }),
      event(
        { table: 'thing', key: { id: 'b' }, patch: { size: 2, data: {} } },
        { table: 'tag', removeWhere: { thing_id: 'b' } },
      ),
      event({ table: 'thing', remove: { id: 'a' } }, tag('b', 'z')),
      event(put('a', { name: 'again' }), { table: 'thing', key: { id: 'none' }, patch: { name: 'x' } }),
    ];
    await project(events);
    const together = [await things(), (await pool.query('select * from tag order by 1, 2')).rows];
    await pool.query('truncate thing, tag');
    for (const one of events) await project([one]);
    expect([await things(), (await pool.query('select * from tag order by 1, 2')).rows]).toEqual(together);
    expect(together).toEqual([
      [
        { id: 'a', name: 'again', size: 1, data: ['x'], at },
        { id: 'b', name: 'n', size: 2, data: {}, at },
      ],
      [
        { thing_id: 'a', tag: 'x' },
        { thing_id: 'b', tag: 'z' },
      ],
    ]);
  });

  it('replaces a row that is there, whatever it was', async () => {
    await project([event(put('a', { size: 7 }))]);
    await project([event(put('a', { name: 'new' })), event(tag('a', 'x')), event(tag('a', 'x'))]);
    expect(await things()).toEqual([{ id: 'a', name: 'new', size: 1, data: ['x'], at }]);
  });

  it('takes a few statements however many rows there are', async () => {
    const events = Array.from({ length: 500 }, (_, i) =>
      event(put(`t${i}`), { table: 'thing', key: { id: `u${i}` }, patch: { size: 2 } }),
    );
    let statements = 0;
    await inTransaction(pool, async (client) => {
      const query = client.query.bind(client) as (...args: unknown[]) => unknown;
      const counting = { query: (...args: unknown[]) => (statements++, query(...args)) };
      await new Projector([model]).project(counting as unknown as typeof client, events);
    });
    expect(statements).toBeLessThan(5);
    expect(await things()).toHaveLength(500);
  });

  it('passes over events that no model reads, and refuses tables that the model does not have', async () => {
    await project([{ type: 'other.v1', data: {} } as unknown as Recorded]);
    await expect(project([event({ table: 'stranger', put: { id: 'a' } })])).rejects.toThrow('has no table stranger');
    expect(await things()).toEqual([]);
  });
});
