import { randomBytes } from 'node:crypto';
import { Client } from 'pg';

export const TEMPLATE_DATABASE = 'countersign_template';

export interface TestDatabase {
  /** `postgres://…`, with every migration applied (unless empty) and nothing in the tables. */
  url: string;
  drop(): Promise<void>;
}

/**
 * A database of its own for a test file, on the server of the test run.
 *
 * @param empty true for one without the migrations, for tests that apply migrations themselves or start the system
 * @throws outside of jest, where that server isn't running
 */
export async function createTestDatabase({ empty = false } = {}): Promise<TestDatabase> {
  const admin = process.env['TEST_POSTGRES_URL'];
  if (!admin) throw new Error('TEST_POSTGRES_URL is not set. Run the tests with "npm test", which starts the server.');
  const name = `test_${randomBytes(8).toString('hex')}`;
  await execute(admin, `CREATE DATABASE ${name} TEMPLATE ${empty ? 'template0' : TEMPLATE_DATABASE}`);
  const url = new URL(admin);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => execute(admin, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}

async function execute(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
