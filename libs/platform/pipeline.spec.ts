import type { Pool } from 'pg';
import { openPool, inTransaction } from './database.js';
import { askTogether, Pipeline } from './pipeline.js';

const DIVISION_BY_ZERO = { code: '22012' };

describe.each([true, false])(
  'statements of which none waits for the answer of another, sent at once: %s',
  (pipeline) => {
    let pool: Pool;
    beforeAll(async () => {
      pool = openPool({ url: process.env['TEST_POSTGRES_URL']!, max: 1, applicationName: 'pipeline', pipeline });
      await pool.query('create temporary table written (n integer)');
    });
    afterAll(() => pool?.end());
    beforeEach(() => pool.query('truncate written'));

    const written = async () => (await pool.query<{ n: number }>('select n from written order by ctid')).rows;
    const INSERT = 'insert into written values ($1)';

    it('are carried out in their order, with questions between them', async () => {
      const counted = await inTransaction(pool, async (client) => {
        const writes = new Pipeline(client);
        await writes.query(INSERT, [1]);
        const [{ rows }] = await askTogether(client, () => client.query<{ n: number }>('select n from written'));
        await writes.query({ name: 'pipelined', text: INSERT, values: [2] });
        await writes.landed();
        return rows;
      });
      expect(counted).toEqual([{ n: 1 }]);
      expect(await written()).toEqual([{ n: 1 }, { n: 2 }]);
    });

    it('are answered one for one, and the first that failed says why', async () => {
      const [one, two] = await inTransaction(pool, (client) =>
        askTogether(
          client,
          () => client.query('select 1 as n'),
          () => client.query('select 2 as n'),
        ),
      );
      expect([one.rows, two.rows]).toEqual([[{ n: 1 }], [{ n: 2 }]]);
      const failing = inTransaction(pool, (client) =>
        askTogether(
          client,
          () => client.query('select 1 / 0'),
          () => client.query('select 2'),
        ),
      );
      await expect(failing).rejects.toMatchObject(DIVISION_BY_ZERO);
    });

    it('leave nothing where one of them fails, whatever was sent behind it', async () => {
      const failing = inTransaction(pool, async (client) => {
        const writes = new Pipeline(client);
        await writes.query(INSERT, [1]);
        await writes.query(`${INSERT.replace('$1', '1 / $1')}`, [0]);
        await writes.query(INSERT, [2]);
        await writes.landed();
      });
      await expect(failing).rejects.toMatchObject(DIVISION_BY_ZERO);
      expect(await written()).toEqual([]);
    });
  },
);
