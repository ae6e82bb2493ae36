import { projectPath } from '../embedded/index.js';
import { isConnectionError, isConnectionRefused, migrate, openPool } from '../platform/index.js';
import { createTestDatabase, type TestDatabase } from '../testing/index.js';
import { answerTo } from '../platform/problem-of.js';
import { EXIT, failureOf } from './failures.js';

const ROLE = 'failures_stranger';
let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase({ empty: true });
  await asked(database.url, `create role ${ROLE} login password 'p'; revoke create on schema public from public`);
});
afterAll(async () => {
  await database.drop();
  await asked(process.env['TEST_POSTGRES_URL']!, `drop role ${ROLE}`);
});

async function asked(url: string, sql: string): Promise<unknown> {
  const pool = openPool({ url, max: 1, applicationName: 'failures' });
  try {
    return await pool.query(sql).catch((error: unknown) => error);
  } finally {
    await pool.end();
  }
}

const as = (user: string, password: string): string => {
  const url = new URL(database.url);
  return Object.assign(url, { username: user, password }).href;
};

/** Told to who starts a process, and answered to who calls one that runs. */
function told(error: unknown) {
  return { ...failureOf(error), status: answerTo(error, 'c').problem.status };
}

describe('a database that lets nobody in', () => {
  it('by its password is for DATABASE_URL to correct, and answered with 503', async () => {
    const { message, ...rest } = told(await asked(as(ROLE, 'wrong'), 'select 1'));
    expect(rest).toEqual({ exitCode: EXIT.usage, status: 503 });
    expect(message).toMatch(/Correct DATABASE_URL\.$/);
  });

  it('by its lack of TLS, or a certificate that is not trusted, is for its sslmode', async () => {
    const certificate = Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    for (const error of [await asked(`${database.url}?sslmode=verify-full`, 'select 1'), certificate]) {
      expect([isConnectionRefused(error), isConnectionError(error)]).toEqual([true, false]);
      const { message, ...rest } = told(error);
      expect(rest).toEqual({ exitCode: EXIT.usage, status: 503 });
      expect(message).toMatch(/Correct DATABASE_URL: its sslmode and sslrootcert\.$/);
    }
  });
});

it('a role that may not create tables is told who may, also by migrate', async () => {
  const error = await migrate(as(ROLE, 'p'), projectPath('migrations')).catch((failure: unknown) => failure);
  expect(failureOf(error)).toEqual({
    exitCode: EXIT.usage,
    message: expect.stringMatching(/^permission denied for schema public\. Run it as .+ one who may create/) as string,
  });
});

it('a database that takes no writes is told as that, and to who calls as one that is away', async () => {
  const refused = await asked(database.url, 'begin read only; create table x ()');
  const { message, ...rest } = told(refused);
  expect(rest).toEqual({ exitCode: EXIT.unavailable, status: 503 });
  expect(message).toMatch(/^cannot execute CREATE TABLE in a read-only transaction\. Name the primary/);
});
