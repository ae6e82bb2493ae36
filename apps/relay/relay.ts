import type { CommandBus } from '@nestjs/cqrs';
import type { Pool } from 'pg';
import type { SpiceDb } from '../../libs/authorization/index.js';
import {
  type Checkpoint,
  type EventLog,
  LogRestored,
  PARTITION,
  type StoredEvent,
} from '../../libs/event-store/index.js';
import { Delivery, type Mark, noteDoubt, RelationshipsAhead, RelationshipsLost } from '../../libs/outbox/index.js';
import { type Clock, ConfigurationRefused, type Metrics, secondsSince } from '../../libs/platform/index.js';
import { REBUILDING, requireSameLog } from '../../libs/verification/index.js';
import type { Domain, FollowUps, Progress } from '../../libs/projections/index.js';
import { Backoff } from './backoff.js';
import { CommitBatch } from './commit-batch.js';
import { Expiry } from './expiry.js';
import { Lease, LEASE_MS, LeaseLost } from './lease.js';
import { ProcessRunner } from './process-runner.js';
import { measuredDelivery, Visibility } from './relay-metrics.js';
import { tracedCommit, tracedDelivery } from './relay-tracing.js';
import { Wake } from './wake.js';

export type RelayPoint = 'in-transaction' | 'after-commit' | 'before-delivery' | 'after-delivery';

export interface RelayLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface RelayOptions {
  pool: Pool;
  log: EventLog;
  spicedb: SpiceDb;
  domain: Domain;
  bus: CommandBus;
  followUps: FollowUps;
  progress: Progress;
  clock: Clock;
  random: () => number;
  /** Tells relays apart in the lease. */
  owner: string;
  requireUsableKeys?: () => Promise<void>;
  maxBatch: number;
  pollMs: number;
  maxUpdates: number;
  logger: RelayLog;
  metrics: Metrics;
  /** Hooks of kill tests. */
  at?: (point: RelayPoint) => void | Promise<void>;
  publishHeads?: () => Promise<void>;
}

const HEADS_EVERY_MS = 60_000;

/** Follows the log, commits batches, delivers, runs processes and timers: while it holds the lease. */
export class Relay {
  private readonly stopping = new AbortController();
  private readonly lease: Lease;
  private readonly visibility: Visibility;
  private readonly deliveryWake = new Wake();
  private readonly processWake = new Wake();
  private running: Promise<void> | undefined;
  private fatal: Error | undefined;

  constructor(private readonly options: RelayOptions) {
    this.lease = new Lease(options.pool, PARTITION, options.owner);
    this.visibility = new Visibility(options.metrics, () => options.clock.now().getTime());
  }

  /** Whether this relay is the active one. */
  get active(): boolean {
    return this.lease.held;
  }

  /** Why it stopped for good, where it did: a log that is not the one it followed, or keys that it was not given. */
  get failure(): Error | undefined {
    return this.fatal;
  }

  /** Resolves where it stops for good by itself. */
  async ended(): Promise<Error> {
    await this.running;
    return this.fatal ?? new Promise<never>(() => undefined);
  }

  start(): void {
    this.running ??= this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    const pause = new Wake();
    const backoff = new Backoff(this.options.random);
    while (!signal.aborted && !this.fatal) {
      try {
        if (await this.lease.acquire()) await this.lead();
        backoff.reset();
      } catch (error) {
        await this.report(error as Error);
      }
      if (!signal.aborted) await pause.sleep(Math.max(backoff.next(), LEASE_MS / 8), signal);
    }
  }

  /** Runs every loop until one of them loses the lease, or the relay is stopped. */
  private async lead(): Promise<void> {
    await this.requireLog();
    const led = new AbortController();
    const signal = AbortSignal.any([this.stopping.signal, led.signal]);
    this.options.logger.info({ owner: this.options.owner }, 'relay is active');
    const loops = [
      this.keepLease(signal),
      this.follow(signal),
      this.deliverAll(signal),
      this.runProcesses(signal),
      this.runTimers(signal),
      this.publishHeads(signal),
    ].map((loop) => loop.finally(() => led.abort()));
    const results = await Promise.allSettled(loops);
    if (this.lease.held) await this.lease.release().catch(() => undefined);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }

  /** Before any loop may write to a log that is not ours. */
  private async requireLog(): Promise<void> {
    try {
      await requireSameLog({ ...this.options, partition: PARTITION });
    } catch (error) {
      await this.lease.release().catch(() => undefined);
      throw error;
    }
  }

  private async keepLease(signal: AbortSignal): Promise<void> {
    const pause = new Wake();
    let lastRenewed = performance.now();
    while (!signal.aborted) {
      await pause.sleep(LEASE_MS / 4, signal);
      try {
        await this.lease.renew();
        lastRenewed = performance.now();
      } catch (error) {
        // A database that is away can't give the lease to another either, but it may have before.
        if (error instanceof LeaseLost || performance.now() - lastRenewed > LEASE_MS) throw error;
      }
    }
  }

  private async follow(signal: AbortSignal): Promise<void> {
    const { pool, log, domain, at, logger, maxBatch, requireUsableKeys } = this.options;
    const incarnation = await log.incarnation();
    const after = await this.checkpoint(incarnation);
    const hold = this.lease.hold.bind(this.lease);
    const batches = new CommitBatch({
      ...{ pool, domain, partition: PARTITION, incarnation, hold, at, requireUsableKeys },
      onParked: ({ id, type, position }, error) =>
        logger.error(
          { event: id, type, position, error: error.message },
          'an event is parked; see: operator parked list',
        ),
    });
    for await (const events of log.follow({ after, maxBatch, signal })) {
      await this.untilDone(() => this.commit(batches, events), signal);
      this.deliveryWake.wake();
      this.processWake.wake();
    }
  }

  private async commit(batches: CommitBatch, events: readonly StoredEvent[]): Promise<void> {
    const { metrics } = this.options;
    const start = performance.now();
    await tracedCommit(events, () => batches.commit(events));
    metrics.commits.observe(secondsSince(start));
    metrics.committedEvents.inc(events.length);
    this.visibility.committed(events);
  }

  private async checkpoint(incarnation: string): Promise<Checkpoint | null> {
    const { rows } = await this.options.pool.query<Checkpoint & { incarnation: string }>(
      'select incarnation, position, event_id as "eventId" from relay_checkpoint where partition = $1',
      [PARTITION],
    );
    const found = rows[0];
    if (found?.incarnation === REBUILDING) {
      throw new LogRestored(
        'the read side is being rebuilt, or that was interrupted; finish it with: operator rebuild',
      );
    }
    if (found && found.incarnation !== incarnation) {
      throw new LogRestored(
        `the read side follows the log ${found.incarnation}, but the event store holds ${incarnation}: ` +
          'connect the database that belongs to this event store, or restore the log',
      );
    }
    return found ?? null;
  }

  private async deliverAll(signal: AbortSignal): Promise<void> {
    const { pool, spicedb, maxUpdates, at, logger, pollMs, metrics } = this.options;
    const delivery = new Delivery({
      ...{ pool, spicedb, partition: PARTITION, maxUpdates, at },
      hasEvent: (mark) => isCommitted(pool, mark),
      around: (range, write) => tracedDelivery(pool, range, () => measuredDelivery(metrics, range, write)),
      onDelivered: (position) => this.visibility.delivered(position),
      onParked: (tuples, error) =>
        logger.error({ tuples, error: error.message }, 'relationships are parked; see: operator parked list'),
    });
    await this.loop(signal, this.deliveryWake, async () => {
      try {
        return (await delivery.deliverNext()) ? 0 : pollMs;
      } catch (error) {
        delivery.reset();
        await this.tellOfTrouble(error as Error);
        throw error;
      }
    });
  }

  /** What does not pass by itself, if only the operator could know: told as loudly as can be. */
  private async tellOfTrouble(error: Error): Promise<void> {
    const ahead = error instanceof RelationshipsAhead && (await this.options.log.head()) < error.position;
    if (!ahead && !(error instanceof RelationshipsLost)) return;
    this.options.logger.error(
      { error: error.message },
      'nothing is delivered: SpiceDB does not belong to the event log',
    );
  }

  private async runProcesses(signal: AbortSignal): Promise<void> {
    const { pool, log, domain, followUps, logger, pollMs, requireUsableKeys } = this.options;
    const processes = new ProcessRunner({
      ...{ pool, log, domain, followUps, partition: PARTITION, requireUsableKeys },
      onRefused: (event, { code }) =>
        logger.warn({ event: event.id, type: event.type, code }, 'what follows from an event was refused'),
      onParked: ({ id, type, position }, error) =>
        logger.error(
          { event: id, type, position, error: error.message },
          'what follows from an event is parked; see: operator parked list',
        ),
    });
    await this.loop(signal, this.processWake, async () => ((await processes.runNext()) ? 0 : pollMs));
  }

  private async runTimers(signal: AbortSignal): Promise<void> {
    const { pool, bus, clock, progress, logger, pollMs } = this.options;
    const expiry = new Expiry({
      ...{ pool, bus, clock, progress },
      onRefused: (due, { code }) => logger.warn({ due, code }, 'the end of a grant was refused'),
    });
    await this.loop(signal, new Wake(), async () => Math.min(await expiry.runNext(), pollMs));
  }

  private async publishHeads(signal: AbortSignal): Promise<void> {
    await this.loop(signal, new Wake(), async () => {
      await this.options.publishHeads?.();
      return HEADS_EVERY_MS;
    });
  }

  /** Works, sleeps for as long as the work says, and goes on after failures, with pauses between them. */
  private async loop(signal: AbortSignal, wake: Wake, work: () => Promise<number>): Promise<void> {
    const backoff = new Backoff(this.options.random);
    while (!signal.aborted) {
      let sleepMs: number;
      try {
        sleepMs = await work();
        backoff.reset();
      } catch (error) {
        if (passesNot(error)) throw error;
        this.options.logger.warn({ error: (error as Error).message }, 'relay tries again');
        this.options.metrics.relayRetries.inc();
        sleepMs = backoff.next();
      }
      if (sleepMs > 0) await wake.sleep(sleepMs, signal);
    }
  }

  private async untilDone(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
    const backoff = new Backoff(this.options.random);
    while (!signal.aborted) {
      try {
        return await work();
      } catch (error) {
        if (passesNot(error)) throw error;
        this.options.logger.warn({ error: (error as Error).message }, 'relay commits the batch again');
        this.options.metrics.relayRetries.inc();
        await new Wake().sleep(backoff.next(), signal);
      }
    }
  }

  private async report(error: Error): Promise<void> {
    const { logger, pool } = this.options;
    if (error instanceof LogRestored) {
      await noteDoubt(pool, PARTITION, error.message).catch(() => undefined);
      logger.error(
        { error: error.message },
        'the relay has stopped: its place in the event log is gone. Restore the event store that belongs to this ' +
          'database, or have what is left of it count with: operator rebuild --accept-lost-events',
      );
      this.fatal = error;
    } else if (error instanceof ConfigurationRefused) {
      logger.error({ error: error.message }, 'the relay has stopped: another with every key goes on');
      this.fatal = error;
    } else if (error instanceof LeaseLost) logger.warn({ owner: this.options.owner }, 'relay stands by');
    else logger.error({ error: error.message }, 'relay starts again');
  }
}

/** Whether another try in this process would be refused, too. */
function passesNot(error: unknown): boolean {
  return error instanceof LeaseLost || error instanceof ConfigurationRefused;
}

/** Whether the event of a mark is where the mark says, as far as the log is committed. */
async function isCommitted(pool: Pool, { position, eventId }: Mark): Promise<boolean> {
  const { rowCount } = await pool.query('select 1 from audit_entry where event_id = $1 and position = $2', [
    eventId,
    position,
  ]);
  return rowCount !== 0;
}
