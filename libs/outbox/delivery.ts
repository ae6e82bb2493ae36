import type { Pool } from 'pg';
import { type SpiceDb, SpiceDbRefused, type Update } from '../authorization/index.js';
import { BEFORE_START } from '../event-store/index.js';
import { inTransaction } from '../platform/index.js';
import { type ChangeRow, cutRange, type Range } from './delivery-range.js';
import { type Mark, readMark, writeUnderMark } from './relay-mark.js';

export interface DeliveryOptions {
  pool: Pool;
  spicedb: SpiceDb;
  partition: number;
  /** Most updates of one write, the mark's own aside. */
  maxUpdates: number;
  /** Called at named points, for tests that kill the process there. */
  at?: (point: 'before-delivery' | 'after-delivery') => void | Promise<void>;
  onParked?: (tuples: number, error: Error) => void;
}

/** SpiceDB has no mark, though relationships had been delivered: its data are gone or older than ours. */
export class RelationshipsLost extends Error {
  override readonly name = 'RelationshipsLost';
}

const ROWS_AT_ONCE = 5_000;
const FAILED_PRECONDITION = 9;

/** Carries the outbox to SpiceDB: one write in flight, whole events, under the mark. */
export class Delivery {
  private mark: Mark | undefined;

  constructor(private readonly options: DeliveryOptions) {}

  /** Forgets what it believes of the mark, after another relay may have moved it. */
  reset(): void {
    this.mark = undefined;
  }

  /**
   * Delivers the next range.
   * @returns whether there may be more; false when everything up to the checkpoint is delivered
   * @throws SpiceDbUnavailable to be tried again; RelationshipsLost
   */
  async deliverNext(): Promise<boolean> {
    const { pool, partition, maxUpdates } = this.options;
    const mark = await this.currentMark();
    const checkpoint = await this.checkpoint();
    const rows = await this.rowsAfter(mark);
    if (rows.length === 0) {
      await recordDelivered(pool, partition, Math.max(checkpoint, mark.position));
      return false;
    }
    await this.deliver(cutRange(rows, mark, maxUpdates));
    return true;
  }

  private async currentMark(): Promise<Mark> {
    if (this.mark) return this.mark;
    const { pool, spicedb, partition } = this.options;
    let mark = await readMark(spicedb, partition);
    if (!mark) {
      const { rows } = await pool.query('select 1 from delivery_mark where partition = $1 and zed_token is not null', [
        partition,
      ]);
      // Another relay may have begun in between.
      if (rows.length > 0) mark = await readMark(spicedb, partition);
      if (rows.length > 0 && !mark) {
        throw new RelationshipsLost(
          'SpiceDB holds no delivery mark, though relationships were delivered to it: it was emptied or replaced. ' +
            'Run `operator repair` to write all wanted relationships again.',
        );
      }
    }
    if (!mark) {
      mark = { position: BEFORE_START, piece: 0 };
      await writeUnderMark(spicedb, partition, { from: undefined, to: mark }, []);
    }
    return (this.mark = mark);
  }

  private async checkpoint(): Promise<number> {
    const { rows } = await this.options.pool.query<{ position: number }>(
      'select position from relay_checkpoint where partition = $1',
      [this.options.partition],
    );
    return rows[0]?.position ?? BEFORE_START;
  }

  private async rowsAfter(mark: Mark): Promise<ChangeRow[]> {
    const select = `select position, event_id as "eventId", tuple, operation, expires_at as "expiresAt"
      from relationship_change where partition = $1 and position > $2`;
    const { pool, partition } = this.options;
    const values = [partition, mark.position];
    const { rows } = await pool.query<ChangeRow>(`${select} order by position, sequence limit ${ROWS_AT_ONCE}`, values);
    if (rows.length < ROWS_AT_ONCE) return rows;
    const last = rows.at(-1)!.position;
    if (last !== rows[0]!.position) return rows.filter(({ position }) => position !== last);
    const whole = await pool.query<ChangeRow>(`${select} and position <= $3 order by position, sequence`, [
      ...values,
      last,
    ]);
    return whole.rows;
  }

  private async deliver(range: Range): Promise<void> {
    const { pool, spicedb, partition } = this.options;
    const from = this.mark!;
    try {
      await this.options.at?.('before-delivery');
      const token = await writeUnderMark(spicedb, partition, { from, to: range.to }, range.updates);
      await this.options.at?.('after-delivery');
      this.mark = range.to;
      await recordDelivered(pool, partition, range.to.position, token);
    } catch (error) {
      if (!(error instanceof SpiceDbRefused)) throw error;
      if (error.code === FAILED_PRECONDITION && (await this.markMoved(from))) return;
      await this.isolate(range, error);
    }
  }

  private async markMoved(from: Mark): Promise<boolean> {
    const actual = await readMark(this.options.spicedb, this.options.partition);
    this.mark = actual;
    return actual === undefined || actual.position !== from.position || actual.piece !== from.piece;
  }

  /** A permanent refusal: halve the range down to its event, whose touches are parked and whose deletes go through. */
  private async isolate(range: Range, error: SpiceDbRefused): Promise<void> {
    const { maxUpdates } = this.options;
    const positions = [...new Set(range.rows.map(({ position }) => position))];
    if (positions.length > 1) {
      const middle = positions[Math.floor(positions.length / 2)]!;
      const half = range.rows.filter(({ position }) => position < middle);
      return this.deliver(cutRange(half, this.mark!, maxUpdates));
    }
    const deletes = await this.acceptedDeletes(range.updates);
    await this.park(range, deletes, error);
    await this.deliverRest(range, deletes);
  }

  private async deliverRest(range: Range, updates: Update[]): Promise<void> {
    const { pool, spicedb, partition } = this.options;
    const token = await writeUnderMark(spicedb, partition, { from: this.mark!, to: range.to }, updates);
    this.mark = range.to;
    await recordDelivered(pool, partition, range.to.position, token);
  }

  /** The deletes SpiceDB takes, each asked alone, under the mark, so that one it refuses holds back no other. */
  private async acceptedDeletes(updates: readonly Update[]): Promise<Update[]> {
    const { spicedb, partition } = this.options;
    const mark = this.mark!;
    const accepted: Update[] = [];
    for (const update of updates.filter(({ operation }) => operation === 'delete')) {
      try {
        await writeUnderMark(spicedb, partition, { from: mark, to: mark }, [update]);
        accepted.push(update);
      } catch (error) {
        if (!(error instanceof SpiceDbRefused)) throw error;
        if (error.code === FAILED_PRECONDITION && (await this.markMoved(mark))) throw error;
      }
    }
    return accepted;
  }

  private async park(range: Range, delivered: readonly Update[], error: SpiceDbRefused): Promise<void> {
    const through = new Set(delivered.map(({ tuple }) => tuple));
    const parked = range.updates.filter(({ tuple }) => !through.has(tuple));
    const { position, eventId } = range.rows[0]!;
    await inTransaction(this.options.pool, async (client) => {
      for (const { tuple, operation, expiresAt } of parked) {
        await client.query(
          `insert into parked (id, partition, position, event_id, event_type, tenant_id, correlation_id, stage, tuple, expires_at,
             error)
           select $1, $2, $3, $4, coalesce(e.action, 'unknown'), e.tenant_id, e.correlation_id, 'delivery', $5, $6, $7
           from (select 1) one left join audit_entry e on e.event_id = $4
           on conflict (id) do nothing`,
          [
            `${position}/${tuple}`,
            ...[this.options.partition, position, eventId, tuple, expiresAt],
            `${operation} refused: ${error.message}`,
          ],
        );
      }
    });
    this.options.onParked?.(parked.length, error);
  }
}

/** Notes what is delivered, and wakes who waits for it. Never moves back. */
async function recordDelivered(pool: Pool, partition: number, position: number, zedToken?: string): Promise<void> {
  await pool.query(
    `with moved as (
       insert into delivery_mark as d (partition, position, zed_token) values ($1::integer, $2::bigint, $3::text)
       on conflict (partition) do update
         set position = greatest(d.position, $2), zed_token = coalesce($3, d.zed_token), moved_at = clock_timestamp()
         where d.position < $2 or $3 is not null
       returning 1),
     gone as (delete from relationship_change where partition = $1 and position <= $2 and exists (select 1 from moved))
     select pg_notify('relay_progress',
       json_build_object('partition', $1::integer, 'delivered', $2::bigint, 'zedToken', $3::text)::text) from moved`,
    [partition, position, zedToken ?? null],
  );
}
