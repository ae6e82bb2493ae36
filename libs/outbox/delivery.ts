import type { Pool } from 'pg';
import { type SpiceDb, SpiceDbRefused, SpiceDbUnavailable, type Update } from '../authorization/index.js';
import { BEFORE_START } from '../event-store/index.js';
import { inTransaction } from '../platform/index.js';
import { type ChangeRow, cutRange, type Range } from './delivery-range.js';
import { isSameMark, type Mark, readMark, writeUnderMark } from './relay-mark.js';

export interface DeliveryOptions {
  pool: Pool;
  spicedb: SpiceDb;
  partition: number;
  /** Most updates of one write, the mark's own aside. */
  maxUpdates: number;
  /** Whether the log, as far as it is committed, has the event of the mark at its position; not asked where absent. */
  hasEvent?: (mark: Mark & { eventId: string }) => Promise<boolean>;
  /** Called at named points, for tests that kill the process there. */
  at?: (point: 'before-delivery' | 'after-delivery') => void | Promise<void>;
  onParked?: (tuples: number, error: Error) => void;
  /** Around each write, for those who measure it. */
  around?: <T>(range: Pick<Range, 'rows' | 'updates'>, write: () => Promise<T>) => Promise<T>;
  /** Milliseconds that only go forward; the process's own where absent. */
  monotonic?: () => number;
  /** Told up to which position all is delivered. */
  onDelivered?: (position: number) => void;
}

/** What SpiceDB holds is not what was delivered to it: its data are gone, or of another time or log than ours. */
export class RelationshipsLost extends Error {
  override readonly name = 'RelationshipsLost';
}

/** SpiceDB is ahead of the read side, which was restored: it catches up, or the log was restored, too. */
export class RelationshipsAhead extends Error {
  override readonly name = 'RelationshipsAhead';

  constructor(
    /** Of the mark. */
    readonly position: number,
    checkpoint: number,
  ) {
    super(
      `SpiceDB was delivered up to ${position}, and the read side has come to ${checkpoint} only. Nothing is delivered ` +
        'until it has caught up. Where the log itself was restored to an earlier time, run `operator repair`.',
    );
  }
}

/** Where it is told what is committed, what is delivered and what is in doubt. */
export const PROGRESS_CHANNEL = 'relay_progress';

const REPAIR = 'Run `operator repair` to make it hold what is wanted.';

/** A SpiceDB that nothing is delivered to may be restored, too. */
const LOOKED_AT_EVERY_MS = 15_000;
const ROWS_AT_ONCE = 5_000;
/** The status of gRPC. */
const FAILED_PRECONDITION = 9;

interface Pending {
  checkpoint: number;
  rows: ChangeRow[];
  /** Whether they are all up to the checkpoint. */
  complete: boolean;
}

const CHANGES = `select position, sequence, event_id as "eventId", tuple, operation, expires_at as "expiresAt"
  from relationship_change where partition = $1 and position > $2`;

/** Carries the outbox to SpiceDB: one write in flight, whole events, under the mark. */
export class Delivery {
  private mark: Mark | undefined;
  /** Up to where it is noted that all is delivered, by this process since it has known the mark. */
  private recorded = BEFORE_START;
  /** When the mark was last read, by the monotonic clock. */
  private lookedAt = 0;

  constructor(private readonly options: DeliveryOptions) {}

  /** Forgets what it believes of the mark, after another relay may have moved it. */
  reset(): void {
    this.mark = undefined;
    this.recorded = BEFORE_START;
  }

  /**
   * Delivers the next range.
   * @returns whether there may be more; false when everything up to the checkpoint is delivered
   * @throws SpiceDbUnavailable to be tried again; RelationshipsLost
   */
  async deliverNext(): Promise<boolean> {
    const { maxUpdates } = this.options;
    const mark = await this.currentMark();
    const { checkpoint, rows, complete } = await this.pendingAfter(mark);
    if (rows.length === 0) {
      if (checkpoint > this.recorded) await this.record(checkpoint);
      await this.lookAgain(mark);
      return false;
    }
    const range = cutRange(rows, mark, maxUpdates);
    const last = complete && range.rows.length === rows.length && range.to.piece === 0;
    const delivered = await this.deliver(range, last ? checkpoint : range.to.position);
    return !(delivered && last);
  }

  /** Now and then, whether the mark still stands where it was left. */
  private async lookAgain(mark: Mark): Promise<void> {
    if (this.monotonic() - this.lookedAt < LOOKED_AT_EVERY_MS) return;
    this.lookedAt = this.monotonic();
    try {
      if (isSameMark(await readMark(this.options.spicedb, this.options.partition), mark)) return;
    } catch (error) {
      if (error instanceof SpiceDbUnavailable) return;
      throw error;
    }
    this.mark = undefined;
    await this.currentMark();
  }

  private monotonic(): number {
    return this.options.monotonic?.() ?? performance.now();
  }

  private async currentMark(): Promise<Mark> {
    if (this.mark) return this.mark;
    try {
      const mark = await this.ownMark();
      this.lookedAt = this.monotonic();
      await noteDoubt(this.options.pool, this.options.partition, null);
      return (this.mark = mark);
    } catch (error) {
      if (error instanceof RelationshipsLost || error instanceof RelationshipsAhead) {
        await noteDoubt(this.options.pool, this.options.partition, error.message);
      }
      throw error;
    }
  }

  private async ownMark(): Promise<Mark> {
    const { pool, spicedb, partition } = this.options;
    // What is noted is read before the mark, which another relay may be moving: it is noted only once it has moved.
    const { rows } = await pool.query<{ written: number | null; ever: boolean }>(
      'select written, zed_token is not null as ever from delivery_mark where partition = $1',
      [partition],
    );
    const { written, ever } = rows[0] ?? { written: null, ever: false };
    let mark = await readMark(spicedb, partition);
    if (mark) await this.requireOurs(mark, written ?? BEFORE_START);
    else if (ever) {
      throw new RelationshipsLost(
        `SpiceDB holds no delivery mark, though relationships were delivered to it: it was emptied or replaced. ${REPAIR}`,
      );
    } else {
      mark = { position: BEFORE_START, piece: 0 };
      await writeUnderMark(spicedb, partition, { from: undefined, to: mark }, []);
    }
    return mark;
  }

  /** A mark that this process did not write stands where a delivery of this log has left it. */
  private async requireOurs(mark: Mark, written: number): Promise<void> {
    const checkpoint = await this.checkpoint();
    if (mark.position > checkpoint) throw new RelationshipsAhead(mark.position, checkpoint);
    if (mark.position < written) {
      throw new RelationshipsLost(
        `SpiceDB stands at ${mark.position}, though it was delivered up to ${written}: it was restored to an earlier ` +
          `time. ${REPAIR}`,
      );
    }
    const { eventId } = mark;
    if (eventId === undefined || (await this.options.hasEvent?.({ ...mark, eventId })) !== false) return;
    throw new RelationshipsLost(
      `SpiceDB was delivered up to event ${eventId} at ${mark.position}, which this log does not have there: the log ` +
        `was restored to an earlier time. ${REPAIR}`,
    );
  }

  private async checkpoint(): Promise<number> {
    const { rows } = await this.options.pool.query<{ position: number }>(
      'select position from relay_checkpoint where partition = $1',
      [this.options.partition],
    );
    return rows[0]?.position ?? BEFORE_START;
  }

  /** Of one snapshot: up to the checkpoint no rows are missing. */
  private async pendingAfter(mark: Mark): Promise<Pending> {
    const { pool, partition } = this.options;
    const values = [partition, mark.position];
    const { rows: found } = await pool.query<ChangeRow & { checkpoint: number }>({
      name: 'pending-changes',
      text: `select c.checkpoint, r.*
       from (select coalesce((select position from relay_checkpoint where partition = $1), ${BEFORE_START}) as checkpoint) c
       left join (${CHANGES} order by position, sequence limit ${ROWS_AT_ONCE}) r on true
       order by r.position, r.sequence`,
      values,
    });
    const [{ checkpoint, position: first }] = found as [ChangeRow & { checkpoint: number }];
    const rows = first === null ? [] : found;
    if (rows.length < ROWS_AT_ONCE) return { checkpoint, rows, complete: true };
    const last = rows.at(-1)!.position;
    if (last !== first) {
      return { checkpoint, rows: rows.filter(({ position }) => position !== last), complete: false };
    }
    const whole = await pool.query<ChangeRow>(`${CHANGES} and position <= $3 order by position, sequence`, [
      ...values,
      last,
    ]);
    return { checkpoint, rows: whole.rows, complete: false };
  }

  /**
   * @param upTo where all is delivered once the range is
   * @returns whether it was written as it is
   */
  private async deliver(range: Range, upTo = range.to.position): Promise<boolean> {
    const { spicedb, partition } = this.options;
    const from = this.mark!;
    try {
      await this.options.at?.('before-delivery');
      const write = () => writeUnderMark(spicedb, partition, { from, to: range.to }, range.updates);
      const token = await (this.options.around?.(range, write) ?? write());
      await this.options.at?.('after-delivery');
      this.mark = range.to;
      await this.record(upTo, token);
      return true;
    } catch (error) {
      if (!(error instanceof SpiceDbRefused)) throw error;
      if (error.code === FAILED_PRECONDITION && (await this.markMoved(from))) return false;
      await this.isolate(range, error);
      return false;
    }
  }

  private async markMoved(from: Mark): Promise<boolean> {
    const actual = await readMark(this.options.spicedb, this.options.partition);
    if (isSameMark(actual, from)) return false;
    // Looked at anew, and as another's, before anything is delivered again.
    this.reset();
    return true;
  }

  /** A permanent refusal: halve the range down to its event, whose touches are parked and whose deletes go through. */
  private async isolate(range: Range, error: SpiceDbRefused): Promise<void> {
    const { maxUpdates } = this.options;
    const positions = [...new Set(range.rows.map(({ position }) => position))];
    if (positions.length > 1) {
      const middle = positions[Math.floor(positions.length / 2)]!;
      const half = range.rows.filter(({ position }) => position < middle);
      await this.deliver(cutRange(half, this.mark!, maxUpdates));
      return;
    }
    const deletes = await this.acceptedDeletes(range.updates);
    await this.park(range, deletes, error);
    await this.deliverRest(range, deletes);
  }

  private async deliverRest(range: Range, updates: Update[]): Promise<void> {
    const { spicedb, partition } = this.options;
    const token = await writeUnderMark(spicedb, partition, { from: this.mark!, to: range.to }, updates);
    this.mark = range.to;
    await this.record(range.to.position, token);
  }

  private async record(position: number, token?: string): Promise<void> {
    const written = token === undefined ? undefined : { zedToken: token, mark: this.mark!.position };
    await recordDelivered(this.options.pool, this.options.partition, position, written);
    this.recorded = Math.max(this.recorded, position);
    this.options.onDelivered?.(position);
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

/** Notes why SpiceDB may not be asked, or that it may; told to all who ask it. */
export async function noteDoubt(pool: Pick<Pool, 'query'>, partition: number, doubt: string | null): Promise<void> {
  await pool.query(
    `with noted as (
       insert into delivery_mark as d (partition, position, doubt) select $1::integer, ${BEFORE_START}, $2::text
       where $2 is not null or exists (select from delivery_mark where partition = $1)
       on conflict (partition) do update set doubt = excluded.doubt where d.doubt is distinct from excluded.doubt
       returning 1)
     select pg_notify('${PROGRESS_CHANNEL}', json_build_object('partition', $1::integer, 'doubt', $2::text)::text) from noted`,
    [partition, doubt],
  );
}

/** Notes what is delivered, and wakes who waits for it. Never moves back. */
async function recordDelivered(
  pool: Pool,
  partition: number,
  position: number,
  written?: { zedToken: string; mark: number },
): Promise<void> {
  await pool.query({
    name: 'record-delivered',
    text: `with moved as (
       insert into delivery_mark as d (partition, position, zed_token, written)
       values ($1::integer, $2::bigint, $3::text, $4::bigint)
       on conflict (partition) do update
         set position = greatest(d.position, $2), zed_token = coalesce($3, d.zed_token),
             written = greatest(d.written, excluded.written), moved_at = clock_timestamp()
         where d.position < $2 or $3 is not null
       returning 1),
     gone as (delete from relationship_change where partition = $1 and position <= $2 and exists (select 1 from moved))
     select pg_notify('${PROGRESS_CHANNEL}',
       json_build_object('partition', $1::integer, 'delivered', $2::bigint, 'zedToken', $3::text)::text) from moved`,
    values: [partition, position, written?.zedToken ?? null, written?.mark ?? null],
  });
}
