import type { Pool, PoolClient, QueryResult } from 'pg';
import { openPool } from '../../libs/platform/index.js';
import type { Effect, Settled } from './carrier.js';

interface Blocked {
  client: PoolClient;
  settled: Promise<Settled<QueryResult>>;
  tell: (settled: Settled<QueryResult>) => void;
  done: boolean;
}

/** Looked at so long after a statement was sent, whether it waits for somebody's lock. */
const PATIENCE_MS = 3;

/**
 * A real database. One statement is under way at a time, but for those that wait for a lock; its clock is the
 * simulation's, and it hands notifications to the simulation instead of sending them.
 */
export class PostgresServer {
  readonly pool: Pool;
  private readonly free: PoolClient[] = [];
  private readonly names = new Map<string, string>();
  private monitor: PoolClient | undefined;
  private blocked: Blocked[] = [];
  /** Connections with a transaction that is not over. */
  private readonly open = new Set<PoolClient>();
  private tables: string | undefined;

  constructor(url: string) {
    this.pool = openPool({ url, max: 40, applicationName: 'simulator', statementTimeoutMs: 0 });
  }

  async take(): Promise<PoolClient> {
    const free = this.free.pop();
    if (free) return free;
    const client = await this.pool.connect();
    await client.query('set idle_in_transaction_session_timeout = 0');
    return client;
  }

  give(client: PoolClient): void {
    this.free.push(client);
  }

  begun(client: PoolClient): void {
    this.open.add(client);
  }

  /** The transaction of a connection is over: who waited for its locks goes on. */
  async ended(client: PoolClient): Promise<void> {
    if (!this.open.delete(client)) return;
    for (const waiting of [...this.blocked]) {
      if (!(await this.isDone(waiting))) continue;
      this.blocked = this.blocked.filter((other) => other !== waiting);
      waiting.tell(await waiting.settled);
    }
  }

  /** Undoes the transaction of a connection, whatever it waits for. */
  async undo(client: PoolClient): Promise<void> {
    const waiting = this.blocked.find((other) => other.client === client);
    if (waiting) {
      this.blocked = this.blocked.filter((other) => other !== waiting);
      await (await this.watcher()).query('select pg_cancel_backend($1)', [idOf(client)]);
      await waiting.settled;
    }
    await client.query('rollback');
    await this.ended(client);
  }

  /** @param now the time that the statement reads from the database's clock */
  async run(client: PoolClient, text: string, values: unknown[] | undefined, now: Date): Promise<Effect<QueryResult>> {
    await this.tellDone();
    const settled = client.query(this.prepared(text, values, now)).then(
      (ok) => ({ ok }),
      (failed: unknown) => ({ failed }),
    );
    const others = this.open.size - (this.open.has(client) ? 1 : 0);
    if (others === 0 || (await this.isDone({ client, settled }))) return settled;
    return {
      later: (tell) => {
        const waiting = { client, settled, tell, done: false };
        this.blocked.push(waiting);
        void settled.then(() => (waiting.done = true));
      },
    };
  }

  /** Those that waited for something else than the transaction of a connection here, and so for no time worth naming. */
  private async tellDone(): Promise<void> {
    const done = this.blocked.filter((waiting) => waiting.done);
    this.blocked = this.blocked.filter((waiting) => !waiting.done);
    for (const { settled, tell } of done) tell(await settled);
  }

  /** Empties every table, for the next seed. */
  async reset(): Promise<void> {
    this.tables ??= await this.resetStatement();
    await this.pool.query(this.tables);
  }

  /** Ends whatever is open, and waits for whoever waits. */
  async settle(): Promise<void> {
    for (const client of [...this.open]) {
      await this.undo(client);
      this.give(client);
    }
    for (const { settled } of this.blocked.splice(0)) await settled;
  }

  async close(): Promise<void> {
    await this.settle();
    for (const client of this.free) client.release(true);
    this.monitor?.release(true);
    await this.pool.end();
  }

  private prepared(text: string, values: unknown[] | undefined, now: Date) {
    const told = text.replaceAll('pg_notify(', "concat_ws(' ', ");
    if (told.includes('clock_timestamp()')) {
      return { text: told.replaceAll('clock_timestamp()', `'${now.toISOString()}'::timestamptz`), values };
    }
    if (!values) return { text: told, values };
    const name = this.names.get(told) ?? `s${this.names.size}`;
    this.names.set(told, name);
    return { name, text: told, values };
  }

  private async isDone({ client, settled }: Pick<Blocked, 'client' | 'settled'>): Promise<boolean> {
    for (;;) {
      if (await isSettledSoon(settled)) return true;
      const waits = await (
        await this.watcher()
      ).query({
        name: 'waits',
        text: 'select 1 from pg_locks where pid = $1 and not granted',
        values: [idOf(client)],
      });
      if (waits.rows.length > 0) return false;
    }
  }

  private async watcher(): Promise<PoolClient> {
    this.monitor ??= await this.pool.connect();
    return this.monitor;
  }

  private async resetStatement(): Promise<string> {
    const { rows } = await this.pool.query<{ name: string }>(
      `select quote_ident(table_name) as name from information_schema.tables
       where table_schema = 'public' and table_type = 'BASE TABLE'`,
    );
    return rows.map(({ name }) => `delete from ${name};`).join(' ');
  }
}

function idOf(client: PoolClient): number {
  return (client as unknown as { processID: number }).processID;
}

function isSettledSoon(settled: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), PATIENCE_MS);
    void settled.then(() => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}
