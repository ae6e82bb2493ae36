import { isNativeError } from 'node:util/types';
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';

export interface PoolOptions {
  url: string;
  /** Largest number of connections; 10 unless told. */
  max?: number;
  /** Shown in pg_stat_activity. */
  applicationName: string;
  /** Longest statement; 30 s unless told, 0 for no limit. */
  statementTimeoutMs?: number;
  /** Statements may be sent before those ahead of them are answered, such as those of `Pipeline`. */
  pipeline?: boolean;
  /** Told of connections that break while nobody uses them. */
  onIdleError?: (error: Error) => void;
}

const { INT8, TIMESTAMPTZ, DATE } = pg.types.builtins;
const INT8_ARRAY = 1016;
const TIMESTAMPTZ_ARRAY = 1185;

type Parse<T> = (text: string) => T;

const parseDate = pg.types.getTypeParser(TIMESTAMPTZ) as Parse<Date | number>;
const parseInt8Array = pg.types.getTypeParser(INT8_ARRAY as number) as Parse<(string | null)[]>;
const parseDateArray = pg.types.getTypeParser(TIMESTAMPTZ_ARRAY as number) as Parse<(Date | number | null)[]>;

function safeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`bigint ${text} is not a safe integer`);
  return value;
}

function isoInstant(value: Date | number): string {
  if (value instanceof Date) return value.toISOString();
  return value > 0 ? 'infinity' : '-infinity';
}

const parsers = new Map<number, Parse<unknown>>([
  [INT8, safeInteger],
  [INT8_ARRAY, (text) => parseInt8Array(text).map((item) => (item === null ? null : safeInteger(item)))],
  [TIMESTAMPTZ, (text) => isoInstant(parseDate(text))],
  [TIMESTAMPTZ_ARRAY, (text) => parseDateArray(text).map((item) => (item === null ? null : isoInstant(item)))],
  [DATE, (text) => text],
]);

const types: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    (format !== 'binary' && parsers.get(oid)) || (pg.types.getTypeParser(oid, format as 'text') as Parse<unknown>),
};

/** How long after its statement must have ended an answer may still be on its way. */
const ANSWER_MS = 5_000;

/**
 * `bigint` is read as a number (an unsafe one fails the query), `timestamptz` as ISO 8601 UTC text
 * (`2026-01-01T00:00:00.000Z`), `date` as text.
 */
export function openPool(options: PoolOptions): pg.Pool {
  const statementTimeoutMs = options.statementTimeoutMs ?? 30_000;
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.max ?? 10,
    application_name: options.applicationName,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    statement_timeout: statementTimeoutMs,
    // A server that is cut off without a word ends no statement.
    query_timeout: statementTimeoutMs === 0 ? undefined : statementTimeoutMs + ANSWER_MS,
    idle_in_transaction_session_timeout: 60_000,
    keepAlive: true,
    pipeline: options.pipeline ?? false,
    types,
  });
  pool.on('error', (error) => options.onIdleError?.(error));
  // A connection that breaks while it is checked out and idle would otherwise end the process.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/** Its `destroy()` ends the pool. */
export function openKysely<DB>(pool: pg.Pool): Kysely<DB> {
  return new Kysely<DB>({ dialect: new PostgresDialect({ pool }) });
}

export type Isolation = 'read committed' | 'repeatable read' | 'serializable';

/** Commits what `work` did when it resolves, undoes it when it rejects. */
export async function inTransaction<T>(
  pool: pg.Pool,
  work: (client: pg.PoolClient) => Promise<T>,
  isolation: Isolation = 'read committed',
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query(`begin isolation level ${isolation}`);
    const result = await work(client);
    const { command } = await client.query('commit');
    if (command !== 'COMMIT') throw new Error('the transaction was undone: a statement in it had failed');
    return result;
  } catch (error) {
    if (isConnectionError(error)) broken = error as Error;
    else await client.query('rollback').catch((failure: Error) => (broken = failure));
    throw error;
  } finally {
    client.release(broken);
  }
}

const SOCKET_CODES = new Set(
  'ECONNREFUSED ECONNRESET ECONNABORTED EPIPE ETIMEDOUT ENOTFOUND EAI_AGAIN EHOSTUNREACH ENETUNREACH'.split(' '),
);
/** Shutting down, starting up, out of connections, a session that was ended, a primary that became a standby. */
const SERVER_CODES = new Set(['57P01', '57P02', '57P03', '57P05', '25P03', '25006', '53300']);
const MESSAGES =
  /^Connection terminated|^Query read timeout|^timeout exceeded when trying to connect|connection error and is not queryable|after calling end on the pool|^Client was closed/;

/** Whether the database could not be reached, or went away: nothing is wrong with the statement. */
export function isConnectionError(error: unknown): boolean {
  if (!isNativeError(error)) return false;
  const { code, syscall } = error as { code?: unknown; syscall?: unknown };
  if (typeof code === 'string') {
    if (code === 'ENOENT') return syscall === 'connect';
    if (SOCKET_CODES.has(code) || SERVER_CODES.has(code) || /^08[0-9A-Z]{3}$/.test(code)) return true;
  }
  return MESSAGES.test(error.message) || isConnectionError(error.cause);
}

const REFUSED_CODES = new Set(
  (
    '28P01 28000 3D000 EPROTO ERR_TLS_CERT_ALTNAME_INVALID CERT_HAS_EXPIRED CERT_NOT_YET_VALID CERT_REVOKED ' +
    'CERT_UNTRUSTED CERT_SIGNATURE_FAILURE DEPTH_ZERO_SELF_SIGNED_CERT SELF_SIGNED_CERT_IN_CHAIN HOSTNAME_MISMATCH ' +
    'UNABLE_TO_GET_ISSUER_CERT UNABLE_TO_GET_ISSUER_CERT_LOCALLY UNABLE_TO_VERIFY_LEAF_SIGNATURE'
  ).split(' '),
);
const NO_TLS = /^The server does not support SSL connections|^There was an error establishing an SSL connection/;

/** Whether the database was reached and did not let us in, or is not trusted: somebody must change the address or the server. */
export function isConnectionRefused(error: unknown): boolean {
  if (!isNativeError(error)) return false;
  const { code } = error as { code?: unknown };
  return (typeof code === 'string' && REFUSED_CODES.has(code)) || NO_TLS.test(error.message);
}
