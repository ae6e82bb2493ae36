import { setTimeout as delay } from 'node:timers/promises';
import { DatabaseError, Pool, type ClientConfig } from 'pg';
import { backOffMs } from './waiting.js';

/** Pino's shape. */
export interface WarningLog {
  warn(fields: { err: unknown }, message: string): void;
}

/**
 * A server that hangs is noticed by a time limit of ours; TCP alone would take minutes. Also how long a query may wait
 * for its turn in a pool: a busy machine is not one that is away.
 */
const CONNECT_TIMEOUT_MS = 15_000;

export function connectionConfig(url: string, queryTimeoutMs: number): ClientConfig {
  return {
    connectionString: url,
    application_name: 'countersign-event-log',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: queryTimeoutMs,
    keepAlive: true,
  };
}

export function openPool(url: string, max: number, queryTimeoutMs: number, log: WarningLog): Pool {
  const pool = new Pool({ ...connectionConfig(url, queryTimeoutMs), max, idleTimeoutMillis: 0 });
  pool.on('error', (err) => log.warn({ err }, 'an idle connection to the event log was lost'));
  return pool;
}

/** Retries what failed for want of a server: about 1.5 s for 6 attempts, and no new one after 10 s of hanging. */
export async function retryWhenUnreachable<T>(attempts: number, work: () => Promise<T>): Promise<T> {
  const giveUpAt = performance.now() + 10_000;
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!isUnreachable(error) || attempt === attempts || performance.now() >= giveUpAt) throw error;
      await delay(backOffMs(attempt));
    }
  }
}

/**
 * Lost connection, shutdown, start-up, failover, deadlock or exhaustion: another attempt may go well.
 * 55000 is a database that takes no connections, 25006 a former primary.
 */
function isUnreachable(error: unknown): boolean {
  if (!(error instanceof DatabaseError)) return true;
  return /^(?:08|40|53|57|58)|^(?:55000|55P03|25006|XX000)$/.test(error.code ?? '');
}

/** The server refused the values themselves: no other attempt will go better. */
export function isRefusal(error: unknown): boolean {
  return error instanceof DatabaseError && /^(?:22|54)/.test(error.code ?? '');
}
