import { Client } from 'pg';
import { createTestDatabase } from './test-database.js';

describe('a test database', () => {
  it('is separate from every other one', async () => {
    const [one, other] = await Promise.all([createTestDatabase(), createTestDatabase()]);
    const client = new Client({ connectionString: one.url });
    await client.connect();
    await client.query('CREATE TABLE only_here ()');
    await client.end();
    const elsewhere = new Client({ connectionString: other.url });
    await elsewhere.connect();
    const found = await elsewhere.query("SELECT FROM pg_tables WHERE tablename = 'only_here'");
    await elsewhere.end();
    expect(found.rowCount).toBe(0);
    await Promise.all([one.drop(), other.drop()]);
  });
});
