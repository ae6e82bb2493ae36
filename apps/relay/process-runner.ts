import type { Pool } from 'pg';
import {
  BEFORE_START,
  type EventLog,
  type Recorded,
  type StoredEvent,
  UnknownEventType,
} from '../../libs/event-store/index.js';
import { Refused } from '../../libs/platform/index.js';
import type { Domain, FollowUps } from '../../libs/projections/index.js';

export interface ProcessRunnerOptions {
  pool: Pool;
  log: EventLog;
  domain: Domain;
  followUps: FollowUps;
  partition: number;
  /** Told when what follows from an event is refused for good. */
  onRefused: (event: Recorded, refusal: Refused) => void;
}

const EVENTS_AT_ONCE = 500;
/** Refusals that time mends. */
const NOT_YET = new Set(['not-yet', 'dependency-unavailable', 'too-much-contention']);

/** Sends what follows from events that are committed, from a checkpoint of its own: a repeat does nothing new. */
export class ProcessRunner {
  private readonly types: ReadonlySet<string>;

  constructor(private readonly options: ProcessRunnerOptions) {
    this.types = new Set(options.domain.processes.flatMap(({ followUps }) => Object.keys(followUps)));
  }

  /** @returns whether there may be more */
  async runNext(): Promise<boolean> {
    const { pool, log, partition } = this.options;
    const { rows } = await pool.query<{ checkpoint: number; done: number }>(
      `select coalesce((select position from relay_checkpoint where partition = $1), ${BEFORE_START}) as checkpoint,
              coalesce((select position from process_checkpoint where partition = $1), ${BEFORE_START}) as done`,
      [partition],
    );
    const { checkpoint, done } = rows[0]!;
    if (done >= checkpoint) return false;
    const events = (await log.readAll(done, EVENTS_AT_ONCE)).filter(({ position }) => position <= checkpoint);
    for (const event of events) if (this.types.has(event.type)) await this.run(event);
    await this.remember(events.at(-1)?.position ?? checkpoint);
    return true;
  }

  private async run(stored: StoredEvent): Promise<void> {
    let event: Recorded;
    try {
      event = this.options.domain.registry.decode(stored);
    } catch (error) {
      if (error instanceof UnknownEventType) return;
      throw error;
    }
    try {
      await this.options.followUps.run([event], event.position);
    } catch (error) {
      if (!(error instanceof Refused) || NOT_YET.has(error.code)) throw error;
      this.options.onRefused(event, error);
    }
  }

  private async remember(position: number): Promise<void> {
    await this.options.pool.query(
      `insert into process_checkpoint as p (partition, position) values ($1, $2)
       on conflict (partition) do update set position = greatest(p.position, excluded.position)`,
      [this.options.partition, position],
    );
  }
}
