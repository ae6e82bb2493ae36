import type { Pool } from 'pg';
import { openPool } from '../platform/index.js';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.js';
import { PATIENCE_MS, until } from '../testing/until.js';
import { PROGRESS_CHANNEL } from '../outbox/index.js';
import { Progress } from './progress.js';

let database: TestDatabase;
let pool: Pool;
let progress: Progress;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = openPool({ url: database.url, applicationName: 'progress', onIdleError: () => undefined });
});

afterAll(async () => {
  await pool?.end();
  await database?.drop();
});

beforeEach(async () => {
  await pool.query('truncate relay_checkpoint, delivery_mark');
  progress = new Progress(pool);
  await progress.start();
});

afterEach(async () => {
  await progress.close();
});

const tell = (told: object | string): Promise<unknown> =>
  pool.query('select pg_notify($1, $2)', [PROGRESS_CHANNEL, typeof told === 'string' ? told : JSON.stringify(told)]);

describe('waiting for the relay', () => {
  it('ends as soon as it is told, for all who wait for that', async () => {
    const waits = [
      progress.waitFor('projected', 3, PATIENCE_MS),
      progress.waitFor('projected', 2, PATIENCE_MS),
      progress.waitFor('delivered', 3, PATIENCE_MS),
    ];
    await tell({ projected: 3 });
    expect(await Promise.all(waits.slice(0, 2))).toEqual([true, true]);
    expect(progress.delivered).toBe(-1);
    await tell({ delivered: 3, zedToken: 'z' });
    expect(await waits[2]).toBe(true);
    expect(progress.zedToken).toBe('z');
  });

  it('is over at once for what is reached, or where there is no time', async () => {
    await tell({ projected: 3 });
    await progress.waitFor('projected', 3, PATIENCE_MS);
    expect(await progress.waitFor('projected', 1, 0)).toBe(true);
    expect(await progress.waitFor('projected', 4, 0)).toBe(false);
    expect(await progress.waitFor('projected', 4, 20)).toBe(false);
  });

  it('ends unreached when it closes', async () => {
    const wait = progress.waitFor('projected', 9, PATIENCE_MS);
    await progress.close();
    expect(await wait).toBe(false);
  });

  it('never goes back, also where it is told late, and keeps the newest ZedToken', async () => {
    await tell({ projected: 5, delivered: 5, zedToken: 'five' });
    await tell({ projected: 4, delivered: 4, zedToken: 'four' });
    await tell({ delivered: 5 });
    await tell({ projected: 6 });
    await progress.waitFor('projected', 6, PATIENCE_MS);
    expect([progress.projected, progress.delivered, progress.zedToken]).toEqual([6, 5, 'five']);
  });

  it.each(['', 'not JSON', 'null', '7', '"text"', '[]', '{"partition":1,"projected":99}'])(
    'TW-105 does not mind a notification that is none of the relay’s: %s',
    async (payload) => {
      await tell(payload);
      await tell({ projected: 2 });
      expect(await progress.waitFor('projected', 2, PATIENCE_MS)).toBe(true);
      expect(progress.projected).toBe(2);
    },
  );

  it('finds out by itself where no notification comes, also after its connection broke', async () => {
    await pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen%' and pid <> pg_backend_pid()`,
    );
    await pool.query(`insert into relay_checkpoint (partition, incarnation, position) values (0, 'i', 7)`);
    await pool.query(`insert into delivery_mark (partition, position, zed_token) values (0, 6, 'six')`);
    expect(await progress.waitFor('projected', 7, PATIENCE_MS)).toBe(true);
    expect(await progress.waitFor('delivered', 6, PATIENCE_MS)).toBe(true);
    expect(progress.zedToken).toBe('six');
    await until(async () => {
      const { rows } = await pool.query(
        `select 1 from pg_stat_activity where query like 'listen%' and datname = current_database()`,
      );
      return rows.length > 0;
    });
    const wait = progress.waitFor('projected', 8, PATIENCE_MS);
    await tell({ projected: 8 });
    expect(await wait).toBe(true);
  });

  it('knows at its start how far the relay is', async () => {
    await pool.query(
      `insert into relay_checkpoint (partition, incarnation, position) values (0, 'i', 12), (1, 'i', 99)`,
    );
    const later = new Progress(pool);
    await later.start();
    expect(later.projected).toBe(12);
    await later.close();
  });
});
