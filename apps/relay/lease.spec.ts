import type { Pool } from 'pg';
import { inTransaction, openPool } from '../../libs/platform/index.js';
import { createTestDatabase, type TestDatabase } from '../../libs/testing/test-database.js';
import { until } from '../../libs/testing/until.js';
import { Lease, LeaseLost } from './lease.js';

let database: TestDatabase;
let pool: Pool;
let partition = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = openPool({ url: database.url, applicationName: 'lease' });
});

afterAll(async () => {
  await pool?.end();
  await database?.drop();
});

beforeEach(() => {
  partition++;
});

const lease = (owner: string, ttlMs = 60_000): Lease => new Lease(pool, partition, owner, ttlMs);

describe('the lease of a partition', () => {
  it('has one holder, until it is given up', async () => {
    const [a, b] = [lease('a'), lease('b')];
    expect(await Promise.all([a.acquire(), b.acquire()])).toEqual(expect.arrayContaining([true, false]));
    const [holder, other] = a.held ? [a, b] : [b, a];
    expect(await other.acquire()).toBe(false);
    await holder.release();
    expect(holder.held).toBe(false);
    expect(await other.acquire()).toBe(true);
  });

  it('is each partition’s own', async () => {
    expect(await lease('a').acquire()).toBe(true);
    partition++;
    expect(await lease('b').acquire()).toBe(true);
  });

  it('passes on when it runs out, and is kept as long as it is renewed', async () => {
    const [a, b] = [lease('a', 60_000), lease('b')];
    const runOut = () =>
      pool.query('update relay_lease set expires_at = clock_timestamp() where partition = $1', [partition]);
    await a.acquire();
    expect(await b.acquire()).toBe(false);
    await runOut();
    await a.renew();
    expect(await b.acquire()).toBe(false);
    await runOut();
    expect(await b.acquire()).toBe(true);
    await expect(a.renew()).rejects.toThrow(LeaseLost);
    expect(a.held).toBe(false);
  });

  it('is taken where it ends later than any could, as after the clock of the database was put back', async () => {
    const [a, b] = [lease('a'), lease('b')];
    await a.acquire();
    await pool.query(`update relay_lease set expires_at = expires_at + interval '1 hour' where partition = $1`, [
      partition,
    ]);
    expect(await b.acquire()).toBe(true);
    await expect(a.renew()).rejects.toThrow(LeaseLost);
  });

  it('that was lost does not come back by itself: not by a late renewal, a release or a transaction', async () => {
    const [a, b] = [lease('a', 1), lease('b')];
    await a.acquire();
    await until(() => b.acquire());
    await expect(inTransaction(pool, (client) => a.hold(client))).rejects.toThrow(LeaseLost);
    await a.release();
    expect(await a.acquire()).toBe(false);
    await expect(inTransaction(pool, (client) => b.hold(client))).resolves.toBeUndefined();
  });

  it('that somebody took and gave back in the meantime is not the one from before', async () => {
    const [a, b] = [lease('a', 1), lease('b')];
    await a.acquire();
    await until(() => b.acquire());
    await b.release();
    await expect(a.renew()).rejects.toThrow(LeaseLost);
  });

  it('is taken over only when the transaction of its holder is over', async () => {
    const [a, b] = [lease('a', 200), lease('b')];
    await a.acquire();
    const order: string[] = [];
    let taking: Promise<boolean> | undefined;
    await inTransaction(pool, async (client) => {
      await a.hold(client);
      await client.query(`set local idle_in_transaction_session_timeout = 0`);
      await until(async () => {
        const { rows } = await pool.query(
          'select 1 from relay_lease where partition = $1 and expires_at < clock_timestamp()',
          [partition],
        );
        return rows.length > 0;
      });
      taking = b.acquire().finally(() => order.push('taken'));
      await until(async () => {
        const waiting = await pool.query(
          `select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%relay_lease%'`,
        );
        return waiting.rows.length > 0;
      });
      order.push('committed');
    });
    expect(await taking).toBe(true);
    expect(order).toEqual(['committed', 'taken']);
  });

  it('of a process that stopped in the middle of a transaction is free soon, and the transaction undone', async () => {
    const [a, b] = [lease('a', 300), lease('b')];
    await a.acquire();
    const stopped = inTransaction(pool, async (client) => {
      await a.hold(client);
      await client.query(`insert into closed_tenant values ($1, 1)`, [`T${partition}`]);
      expect(await until(() => b.acquire())).toBe(true);
    });
    await expect(stopped).rejects.toThrow();
    expect((await pool.query('select 1 from closed_tenant where tenant_id = $1', [`T${partition}`])).rows).toEqual([]);
  });
});
