import { sql } from 'kysely';
import type pg from 'pg';
import { createTestDatabase } from '../testing/index.js';
import type { TestDatabase } from '../testing/index.js';
import { TcpProxy } from '../testing/tcp-proxy.js';
import { inTransaction, isConnectionError, openKysely, openPool } from './database.js';

let database: TestDatabase;
let pool: pg.Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = openPool({ url: database.url, max: 4, applicationName: 'database spec' });
  await pool.query('create table thing (name text primary key)');
});

beforeEach(() => pool.query('truncate thing'));

afterAll(async () => {
  await pool.end();
  await database.drop();
});

async function names(): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>('select name from thing order by name');
  return rows.map(({ name }) => name);
}

async function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('a value of the database', () => {
  async function valueOf(expression: string): Promise<unknown> {
    const { rows } = await pool.query<{ value: unknown }>(`select ${expression} as value`);
    return rows[0]?.value;
  }

  it.each([
    ['count(*)', 1],
    [`${Number.MAX_SAFE_INTEGER}::bigint`, Number.MAX_SAFE_INTEGER],
    ['array[1, null, 3]::bigint[]', [1, null, 3]],
    ["timestamptz '2026-01-01 02:00:00+02'", '2026-01-01T00:00:00.000Z'],
    ["timestamptz '2026-01-01 00:00:00.123456Z'", '2026-01-01T00:00:00.123Z'],
    ["timestamptz 'infinity'", 'infinity'],
    ["timestamptz '-infinity'", '-infinity'],
    ["array[timestamptz '2026-01-01 00:00:00Z', null]", ['2026-01-01T00:00:00.000Z', null]],
    ["date '2026-01-01'", '2026-01-01'],
    ['null::bigint', null],
  ])('%s is read as %j', async (expression, expected) => {
    expect(await valueOf(expression)).toEqual(expected);
  });

  it('is an instant in UTC whatever the zone of the session', async () => {
    const read = inTransaction(pool, async (client) => {
      await client.query("set local time zone 'Asia/Kathmandu'");
      return (await client.query<{ at: string }>("select timestamptz '2026-01-01 00:00:00Z' as at")).rows[0]?.at;
    });
    expect(await read).toBe('2026-01-01T00:00:00.000Z');
  });

  it('fails the query when it is a bigint that a number can’t hold, and leaves the pool usable', async () => {
    await expect(valueOf('9007199254740993::bigint')).rejects.toThrow(/not a safe integer/);
    expect(await valueOf('1')).toBe(1);
  });

  it('is read the same through kysely', async () => {
    const db = openKysely<{ thing: { name: string } }>(pool);
    await db.insertInto('thing').values({ name: 'a' }).execute();
    expect(
      await db
        .selectFrom('thing')
        .select(sql<number>`count(*)`.as('count'))
        .execute(),
    ).toEqual([{ count: 1 }]);
  });
});

describe('a transaction', () => {
  it('is committed when its work resolves', async () => {
    const answer = await inTransaction(pool, async (client) => {
      await client.query("insert into thing values ('a')");
      return 'done';
    });
    expect(answer).toBe('done');
    expect(await names()).toEqual(['a']);
  });

  it('is undone when its work rejects, with the same error', async () => {
    const error = new Error('changed my mind');
    const attempt = inTransaction(pool, async (client) => {
      await client.query("insert into thing values ('a')");
      throw error;
    });
    expect(await rejectionOf(attempt)).toBe(error);
    expect(await names()).toEqual([]);
  });

  it('never seems committed when a failure in it was swallowed', async () => {
    const attempt = inTransaction(pool, async (client) => {
      await client.query("insert into thing values ('a')");
      await client.query('select 1/0').catch(() => undefined);
    });
    await expect(attempt).rejects.toThrow(/was undone/);
    expect(await names()).toEqual([]);
  });

  it('runs at the isolation that is asked', async () => {
    const level = inTransaction(
      pool,
      async (client) => (await client.query('show transaction_isolation')).rows[0] as unknown,
      'serializable',
    );
    expect(await level).toEqual({ transaction_isolation: 'serializable' });
  });

  it('survives the loss of its connection with a connection error, and so does the pool', async () => {
    const attempt = inTransaction(pool, async (client) => {
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
      await pool.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
      await client.query("insert into thing values ('a')");
    });
    expect(isConnectionError(await rejectionOf(attempt))).toBe(true);
    expect(await names()).toEqual([]);
  });
});

describe('a connection error', () => {
  it('is what a server gives that isn’t there', async () => {
    const nowhere = openPool({ url: 'postgres://nobody@127.0.0.1:1/nothing', applicationName: 'database spec' });
    expect(isConnectionError(await rejectionOf(nowhere.query('select 1')))).toBe(true);
    await nowhere.end();
  });

  it('is an answer that never comes, also in the middle of a transaction', async () => {
    const { hostname, port } = new URL(database.url);
    const proxy = await TcpProxy.start({ host: hostname, port: Number(port) });
    const url = new URL(database.url);
    url.port = String(proxy.address.port);
    const cutOff = openPool({ url: url.href, applicationName: 'database spec', statementTimeoutMs: 1_000 });
    const attempt = inTransaction(cutOff, async (client) => {
      proxy.freeze();
      await client.query("insert into thing values ('a')");
    });
    expect(isConnectionError(await rejectionOf(attempt))).toBe(true);
    expect(cutOff.totalCount).toBe(0);
    await proxy.stop();
    await cutOff.end();
    expect(await names()).toEqual([]);
  });

  it('is seen behind the error that reports it', () => {
    const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
    expect(isConnectionError(new Error('could not read', { cause }))).toBe(true);
  });

  it('is not a fault in a statement', async () => {
    expect(isConnectionError(await rejectionOf(pool.query('select 1/0')))).toBe(false);
    expect(isConnectionError(await rejectionOf(pool.query('selec')))).toBe(false);
    expect(isConnectionError(Object.assign(new Error(), { code: 'ENOENT', syscall: 'open' }))).toBe(false);
    expect(isConnectionError('text')).toBe(false);
  });
});
