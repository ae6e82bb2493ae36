import { EventEmitter } from 'node:events';
import type { Pool, PoolClient, QueryResult } from 'pg';
import type { Carrier, Effect } from './carrier.js';
import type { FaultKind } from './fault-plan.js';
import type { PostgresServer } from './postgres-server.js';
import type { Scheduler } from './scheduler.js';
import type { SimulatedProcess } from './simulated-process.js';

/** What changes nothing, or nothing yet. */
const PASSING: readonly FaultKind[] = [
  ...(['slow', 'refused', 'lost-reply', 'crash-before', 'crash-after', 'pause-before', 'pause-after'] as const),
];
const CHANGING: readonly FaultKind[] = [...PASSING, 'late'];

const HOLD = /^\s*select set_config\('idle_in_transaction_session_timeout'[\s\S]*from relay_lease/;
const MOVE = /^\s*with moved as \(\s*insert into relay_checkpoint/;
const SESSION_IDLE_MS = 60_000;

/** What the simulation wants to know of what the database did. */
export interface PostgresWatcher {
  leaseTaken(process: SimulatedProcess): void;
  /** A transaction that moved the checkpoint is about to be committed. */
  committing(process: SimulatedProcess, position: number): void;
}

export interface SimulatedPostgresOptions {
  server: PostgresServer;
  carrier: Carrier;
  scheduler: Scheduler;
  now: () => Date;
  /** Whether somebody who listens hears of this one. */
  hears: () => boolean;
  watcher: PostgresWatcher;
  trace: (line: string) => void;
  /** A relay that does not ask whether the lease is still its own. */
  withoutLease: boolean;
}

/** The database as the processes of a simulation reach it. */
export class SimulatedPostgres {
  private readonly listeners = new Set<Connection>();

  constructor(readonly options: SimulatedPostgresOptions) {}

  pool(process: SimulatedProcess): Pool {
    const pool = {
      query: (query: Query, values?: unknown[]) => this.alone(process, textOf(query), values ?? valuesOf(query)),
      connect: async () => new Connection(this, process),
      on: () => pool,
      end: async () => undefined,
    };
    return pool as unknown as Pool;
  }

  listen(connection: Connection): void {
    this.listeners.add(connection);
  }

  unlisten(connection: Connection): void {
    this.listeners.delete(connection);
  }

  /** The rows of a statement that notifies are the notifications. */
  notify(notifications: readonly string[]): void {
    for (const notification of notifications) {
      for (const listener of this.listeners) if (this.options.hears()) listener.hear(notification);
    }
  }

  noteLease(process: SimulatedProcess, text: string, { rows }: QueryResult): void {
    if (/^\s*insert into relay_lease/.test(text) && rows.length > 0) this.options.watcher.leaseTaken(process);
  }

  private alone(process: SimulatedProcess, text: string, values: unknown[] | undefined): Promise<QueryResult> {
    const { carrier, server, now } = this.options;
    const effect = async (): Promise<Effect<QueryResult>> => {
      const client = await server.take();
      const done = after(await server.run(client, text, values, now()), (result) => {
        server.give(client);
        if ('ok' in result) {
          this.notify(notificationsIn(result.ok));
          this.noteLease(process, text, result.ok);
        }
      });
      return done;
    };
    const kinds = /^\s*select\b/i.test(text) ? PASSING : CHANGING;
    return carrier.carry(process, { store: 'postgres', label: labelOf(text, values), kinds, effect, error: lost });
  }
}

type Query = string | { text: string; values?: unknown[] };
const textOf = (query: Query): string => (typeof query === 'string' ? query : query.text);
const valuesOf = (query: Query): unknown[] | undefined => (typeof query === 'string' ? undefined : query.values);

/** A connection of a simulated process, with or without a transaction. */
class Connection extends EventEmitter {
  /** Why it can't be used any more, as its process knows. */
  private lost: string | undefined;
  /** The same for the server. */
  private ended = false;
  private client: PoolClient | undefined;
  private inTransaction = false;
  private commitsLate = false;
  private told: string[] = [];
  private checkpoint: number | undefined;
  private idleMs = SESSION_IDLE_MS;
  private busyAt = 0;

  constructor(
    private readonly postgres: SimulatedPostgres,
    private readonly process: SimulatedProcess,
  ) {
    super();
    process.onEnd(() => this.lose('its process is gone'));
  }

  async query(query: Query, given?: unknown[]): Promise<QueryResult> {
    const [text, values] = [textOf(query), given ?? valuesOf(query)];
    if (this.lost !== undefined) throw new Error(this.lost);
    if (text.startsWith('listen ')) {
      this.postgres.listen(this);
      return { rows: [], rowCount: 0 } as unknown as QueryResult;
    }
    return this.postgres.options.carrier.carry(this.process, {
      store: 'postgres',
      label: labelOf(text, values),
      kinds: text === 'commit' ? CHANGING : PASSING,
      effect: () => this.run(text, values),
      error: lost,
      sever: (late) => {
        this.commitsLate = late;
        return this.lose('Connection terminated unexpectedly');
      },
    });
  }

  release(_broken?: unknown): void {
    void this.lose('the connection was given back');
  }

  hear(notification: string): void {
    const [channel, ...payload] = notification.split(' ');
    this.process.deliver(0, () => this.emit('notification', { channel, payload: payload.join(' ') }));
  }

  private async run(text: string, values: unknown[] | undefined): Promise<Effect<QueryResult>> {
    const { server, now, withoutLease, watcher } = this.postgres.options;
    if (this.ended) return { failed: lost() };
    this.client ??= await server.take();
    if (text.startsWith('begin')) this.begun();
    const holds = HOLD.test(text);
    if (holds) this.idleMs = Number(values?.[3]);
    if (withoutLease && holds) return { ok: { rows: [], rowCount: 1 } as unknown as QueryResult };
    if (MOVE.test(text)) this.checkpoint = values?.[2] as number;
    if (text === 'commit' && this.checkpoint !== undefined) watcher.committing(this.process, this.checkpoint);
    this.busyAt = Infinity;
    // How long a session may do nothing is for the simulated clock to say: on a busy machine the real one runs ahead.
    const sent = holds ? values?.with(3, '0') : values;
    return after(await server.run(this.client, text, sent, now()), (result) => {
      this.busyAt = this.postgres.options.scheduler.now;
      if ('ok' in result) this.told.push(...notificationsIn(result.ok));
      if (text === 'commit' || text === 'rollback') return this.over('ok' in result && text === 'commit');
      return undefined;
    });
  }

  private begun(): void {
    this.inTransaction = true;
    this.busyAt = this.postgres.options.scheduler.now;
    this.postgres.options.server.begun(this.client!);
    this.watch();
  }

  /** The server ends a session that does nothing in its transaction for too long. */
  private watch(): void {
    const { scheduler, trace } = this.postgres.options;
    scheduler.in(Math.min(this.idleMs, 2_000), () => {
      if (!this.inTransaction) return undefined;
      if (scheduler.now - this.busyAt < this.idleMs) return this.watch();
      trace(`postgres ends the transaction of ${this.process.name}, which does nothing`);
      this.lost ??= 'Client has encountered a connection error and is not queryable';
      return this.end();
    });
  }

  private async over(committed: boolean): Promise<void> {
    this.inTransaction = false;
    if (committed) this.postgres.notify(this.told);
    this.told = [];
    this.checkpoint = undefined;
    await this.postgres.options.server.ended(this.client!);
    if (this.commitsLate) await this.end();
  }

  private async lose(why: string): Promise<void> {
    this.lost ??= why;
    this.postgres.unlisten(this);
    if (!this.commitsLate) await this.end();
  }

  /** Whatever is open is undone, as where the server sees a connection go. */
  private async end(): Promise<void> {
    if (this.ended) return;
    this.ended = true;
    const { client } = this;
    if (!client) return;
    const { server } = this.postgres.options;
    if (this.inTransaction) {
      this.inTransaction = false;
      await server.undo(client);
    }
    server.give(client);
  }
}

/** Does something once the effect is known, before anybody hears of it. */
async function after<T>(
  effect: Effect<T>,
  then: (settled: { ok: T } | { failed: unknown }) => void | Promise<void>,
): Promise<Effect<T>> {
  if (!('later' in effect)) {
    await then(effect);
    return effect;
  }
  return { later: (tell) => effect.later((settled) => void Promise.resolve(then(settled)).then(() => tell(settled))) };
}

function notificationsIn({ rows, fields }: QueryResult): string[] {
  if (fields?.length !== 1 || fields[0]!.name !== 'concat_ws') return [];
  return (rows as { concat_ws: string }[]).map((row) => row.concat_ws);
}

const labels = new Map<string, string>();

function labelOf(text: string, values: unknown[] = []): string {
  let label = labels.get(text);
  if (label === undefined) labels.set(text, (label = text.replace(/\s+/g, ' ').trim().slice(0, 72)));
  const numbers = values.filter((value) => typeof value === 'number');
  return numbers.length > 0 ? `${label} (${numbers.join(', ')})` : label;
}

function lost(): Error {
  return new Error('Connection terminated unexpectedly');
}
