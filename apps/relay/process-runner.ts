import type { Pool } from 'pg';
import { SpiceDbUnavailable } from '../../libs/authorization/index.js';
import { BEFORE_START, type EventLog, EventLogUnavailable, type StoredEvent } from '../../libs/event-store/index.js';
import { WrappingKeyRefused } from '../../libs/personal-data/index.js';
import { Refused } from '../../libs/platform/index.js';
import type { Domain, FollowUps } from '../../libs/projections/index.js';
import { isTransient } from './commit-batch.js';
import { parkEvent } from './park-event.js';

export interface ProcessRunnerOptions {
  pool: Pool;
  log: EventLog;
  domain: Domain;
  followUps: FollowUps;
  partition: number;
  /** Rejects where not the key of an event is at fault, but those that this process was given. */
  requireUsableKeys?: () => Promise<void>;
  /** Told when what follows from an event is refused for good. */
  onRefused: (event: StoredEvent, refusal: Refused) => void;
  /** Told when what follows from an event can't be done at all. */
  onParked: (event: StoredEvent, error: Error) => void;
}

const EVENTS_AT_ONCE = 500;
const MOST_TOGETHER = 32;
const RETRIED = 'parked-retried.v1';

/** Sends what follows from events that are committed, from a checkpoint of its own: a repeat does nothing new. */
export class ProcessRunner {
  private readonly types: ReadonlySet<string>;

  constructor(private readonly options: ProcessRunnerOptions) {
    this.types = new Set([RETRIED, ...options.domain.processes.flatMap(({ followUps }) => Object.keys(followUps))]);
  }

  /** @returns whether there may be more */
  async runNext(): Promise<boolean> {
    const { pool, log, partition } = this.options;
    const { rows } = await pool.query<{ checkpoint: number; done: number }>({
      name: 'process-checkpoint',
      text: `select coalesce((select position from relay_checkpoint where partition = $1), ${BEFORE_START}) as checkpoint,
              coalesce((select position from process_checkpoint where partition = $1), ${BEFORE_START}) as done`,
      values: [partition],
    });
    const { checkpoint, done } = rows[0]!;
    if (done >= checkpoint) return false;
    const events = (await log.readAll(done, EVENTS_AT_ONCE)).filter(({ position }) => position <= checkpoint);
    for (const together of this.groupsOf(await this.toRun(events))) await this.runTogether(together);
    const reached = events.at(-1)?.position ?? checkpoint;
    await this.remember(reached);
    return reached < checkpoint;
  }

  /** Nothing follows from an event that could not be applied, until an operator has it count. */
  private async toRun(events: readonly StoredEvent[]): Promise<StoredEvent[]> {
    const { followUps } = this.options;
    const caused = events.filter((event) => {
      return event.type === RETRIED || (this.types.has(event.type) && !followUps.isDone(event));
    });
    if (caused.length === 0) return [];
    const { rows } = await this.options.pool.query<{ id: string }>({
      name: 'parked-events',
      text: `select event_id as id from parked
       where event_id = any($1::uuid[]) and stage = 'event' and status <> 'retried'`,
      values: [caused.map(({ id }) => id)],
    });
    const parked = new Set(rows.map(({ id }) => id));
    const running = caused.filter(({ id }) => !parked.has(id));
    return Promise.all(running.map((event) => (event.type === RETRIED ? this.retried(event) : event)));
  }

  /** The event that an operator has tried again; the record of that itself where it was a relationship. */
  private async retried(record: StoredEvent): Promise<StoredEvent> {
    const { pool, log } = this.options;
    const { rows } = await pool.query<{ stream: string; revision: number }>(
      `select event::jsonb ->> 'stream' as stream, (event::jsonb ->> 'revision')::bigint as revision
       from parked join audit_entry using (event_id) where parked.id = $1 and stage <> 'delivery'`,
      [record.data['parkedId']],
    );
    const [event] = rows[0] ? await log.readStream(rows[0].stream, rows[0].revision) : [];
    return event ?? record;
  }

  /** One after the other, but for events whose follow-ups have no order among each other: an import's grants, by the thousand. */
  private groupsOf(events: readonly StoredEvent[]): StoredEvent[][] {
    const { followUps } = this.options;
    const groups: StoredEvent[][] = [];
    let open = false;
    for (const event of events) {
      const unordered = followUps.isDoneOnce(event);
      const group = groups.at(-1);
      if (group && open && unordered && group.length < MOST_TOGETHER) group.push(event);
      else groups.push([event]);
      open = unordered;
    }
    return groups;
  }

  /** Nothing of it runs on when it fails. */
  private async runTogether(events: readonly StoredEvent[]): Promise<void> {
    const results = await Promise.allSettled(events.map((event) => this.run(event)));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }

  private async run(stored: StoredEvent): Promise<void> {
    const { domain, followUps } = this.options;
    const decode = await domain.registry.decoderOf([stored]);
    const failures = await followUps.runEach(decode(stored));
    const passing = failures.find(mayPass);
    if (passing) throw passing;
    if (failures.some((error) => error instanceof WrappingKeyRefused)) await this.options.requireUsableKeys?.();
    for (const error of failures) {
      if (error instanceof Refused) this.options.onRefused(stored, error);
      else await this.park(stored, error as Error);
    }
  }

  private async park(event: StoredEvent, error: Error): Promise<void> {
    const { pool, partition } = this.options;
    await parkEvent(pool, partition, 'process', { event, error });
    this.options.onParked(event, error);
  }

  private async remember(position: number): Promise<void> {
    await this.options.pool.query({
      name: 'move-process-checkpoint',
      // Lost in a crash of the database, it is moved again: what follows a second time changes nothing.
      text: `with lazily as materialized (select set_config('synchronous_commit', 'off', true))
       insert into process_checkpoint as p (partition, position) select $1::integer, $2::bigint from lazily
       on conflict (partition) do update set position = greatest(p.position, excluded.position)`,
      values: [this.options.partition, position],
    });
  }
}

/** Whether the same may well be done later: something it needs is away, or busy. */
function mayPass(error: unknown): boolean {
  if (error instanceof Refused) return error.isPassing;
  return error instanceof EventLogUnavailable || error instanceof SpiceDbUnavailable || isTransient(error);
}
