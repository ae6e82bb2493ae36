import type { Pool, PoolClient } from 'pg';
import { chainTips, isAuditHead, writeAfterTips } from '../../libs/audit-log/index.js';
import { BEFORE_START, type Decode, type StoredEvent } from '../../libs/event-store/index.js';
import { foldRelationships, PROGRESS_CHANNEL } from '../../libs/outbox/index.js';
import { destroyKeys, WrappingKeyRefused } from '../../libs/personal-data/index.js';
import { askTogether, inTransaction, isConnectionError, Pipeline, type Statements } from '../../libs/platform/index.js';
import { type Domain, Projector } from '../../libs/projections/index.js';
import { LeaseLost } from './lease.js';
import { parkEvent } from './park-event.js';

export type CommitPoint = 'in-transaction' | 'after-commit';

export interface CommitBatchOptions {
  pool: Pool;
  domain: Domain;
  partition: number;
  incarnation: string;
  /** Makes sure, in the transaction, that nobody else is the relay. */
  hold: (client: PoolClient) => Promise<void>;
  /** Rejects where not the key of an event is at fault, but those that this process was given. */
  requireUsableKeys?: () => Promise<void>;
  at?: (point: CommitPoint) => void | Promise<void>;
  onParked?: (event: StoredEvent, error: Error) => void;
}

/**
 * SQL states that say nothing about the events: conflicts, resources, operators, the system, and what this role or these
 * tables lack.
 */
const TRANSIENT_STATE = /^(08|25|28|3D|3F|40|42501|42P01|42703|53|55|57|58|XX)/;

/** Commits batches of events: audit, read models, wanted relationships and checkpoint together. */
export class CommitBatch {
  private readonly projector: Projector;

  constructor(private readonly options: CommitBatchOptions) {
    this.projector = new Projector(options.domain.readModels);
  }

  /**
   * Commits all of the events. One that can't be applied is found by halving and parked; its audit entry is written.
   * @throws LeaseLost, what requireUsableKeys does, or what the database says when it is in trouble: the same batch may
   *   be tried again
   */
  async commit(events: readonly StoredEvent[]): Promise<void> {
    try {
      const decode = await this.options.domain.registry.decoderOf(events);
      await inTransaction(this.options.pool, async (client) => {
        await this.write(client, async (writes) => {
          const fresh = await this.begin(client, writes, events);
          if (fresh.length > 0) await this.apply(client, writes, fresh, decode);
        });
        await this.options.at?.('in-transaction');
      });
    } catch (error) {
      if (error instanceof LeaseLost || isTransient(error)) throw error;
      if (error instanceof WrappingKeyRefused) await this.options.requireUsableKeys?.();
      if (events.length > 1) return this.commitHalves(events);
      await this.park(events[0]!, error as Error);
    }
    await this.options.at?.('after-commit');
  }

  private async commitHalves(events: readonly StoredEvent[]): Promise<void> {
    const middle = Math.floor(events.length / 2);
    await this.commit(events.slice(0, middle));
    await this.commit(events.slice(middle));
  }

  /** @throws what the first statement that failed was answered: of those behind it the answer says nothing */
  private async write(client: PoolClient, work: (writes: Statements) => Promise<void>): Promise<void> {
    const writes = new Pipeline(client);
    try {
      await work(writes);
    } finally {
      await writes.landed();
    }
  }

  /** @returns the events that are not committed yet: all of them, unless an earlier try got further than it knew */
  private async begin(
    client: PoolClient,
    writes: Statements,
    batch: readonly StoredEvent[],
  ): Promise<readonly StoredEvent[]> {
    const [, committed, tips] = await askTogether(
      client,
      () => this.options.hold(client),
      () => this.committed(client),
      () => chainTips(client, batch),
    );
    const events = batch.filter(({ position }) => position > committed);
    if (events.length === 0) return events;
    const audited = events.filter(({ type }) => !isAuditHead(type));
    await writeAfterTips(writes, audited, this.options.domain.audit, tips);
    await this.moveCheckpoint(writes, events.at(-1)!);
    return events;
  }

  private async committed(client: PoolClient): Promise<number> {
    const { rows } = await client.query<{ position: number }>({
      name: 'relay-checkpoint',
      text: 'select position from relay_checkpoint where partition = $1 for update',
      values: [this.options.partition],
    });
    return rows[0]?.position ?? BEFORE_START;
  }

  private async apply(
    client: PoolClient,
    writes: Statements,
    events: readonly StoredEvent[],
    decode: Decode,
  ): Promise<void> {
    const { domain, partition } = this.options;
    const decoded = events.map(decode);
    await this.projector.project(writes, decoded);
    await foldRelationships(client, partition, decoded, domain.relationships, writes);
    await destroyKeys(writes, domain.registry.erasedBy(events));
  }

  private async park(event: StoredEvent, error: Error): Promise<void> {
    const { pool, partition } = this.options;
    await inTransaction(pool, (client) =>
      this.write(client, async (writes) => {
        if ((await this.begin(client, writes, [event])).length === 0) return;
        await parkEvent(writes, partition, 'event', { event, error });
      }),
    );
    this.options.onParked?.(event, error);
  }

  private async moveCheckpoint(client: Statements, last: StoredEvent): Promise<void> {
    const { partition, incarnation } = this.options;
    await client.query({
      name: 'move-relay-checkpoint',
      text: `with moved as (
         insert into relay_checkpoint (partition, incarnation, position, event_id) values ($1::integer, $2, $3::bigint, $4)
         on conflict (partition) do update
           set position = excluded.position, event_id = excluded.event_id, moved_at = clock_timestamp())
       select pg_notify('${PROGRESS_CHANNEL}', json_build_object('partition', $1::integer, 'projected', $3::bigint)::text)`,
      values: [partition, incarnation, last.position, last.id],
    });
  }
}

export function isTransient(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return isConnectionError(error) || (typeof code === 'string' && TRANSIENT_STATE.test(code));
}
