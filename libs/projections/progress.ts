import type { Notification, Pool } from 'pg';
import { BEFORE_START, PARTITION } from '../event-store/index.js';
import { PROGRESS_CHANNEL } from '../outbox/index.js';
import { Refused } from '../platform/index.js';

/** What a wait is for: rows that queries answer from, or relationships that SpiceDB answers from. */
export type Stage = 'projected' | 'delivered';

interface Waiter {
  stage: Stage;
  position: number;
  done: (reached: boolean) => void;
}
/** Another channel that is heard on the same connection. */
export interface OtherChannel {
  hear: (payload: string) => void;
  /** Told where messages may have been lost. */
  missed: () => void;
}
interface Standing {
  projected: number;
  delivered: number;
  zedToken: string | null;
  /** Why SpiceDB may not be asked. */
  doubt: string | null;
}

const POLL_MS = 500;

/** How long a command waits for the relay before it goes on without. */
const LONGEST_WAIT_OF_COMMANDS_MS = 2_000;

/** How far the relay is, told by one listener for all who wait, with a slow poll behind it. */
export class Progress {
  private standing: Standing = { projected: BEFORE_START, delivered: BEFORE_START, zedToken: null, doubt: null };
  private readonly waiters = new Set<Waiter>();
  /** Gives up the connection that listens. */
  private unlisten: (() => void) | undefined;
  private poll: NodeJS.Timeout | undefined;
  private closed = false;
  private readonly others = new Map<string, OtherChannel>();

  constructor(
    private readonly pool: Pool,
    private readonly partition = PARTITION,
  ) {}

  /** A token at which SpiceDB shows at least what is known here to be delivered. */
  get zedToken(): string | null {
    return this.standing.zedToken;
  }

  /** @throws Refused `dependency-unavailable` while SpiceDB is known to hold something else than was delivered to it */
  requireSound(): void {
    if (this.standing.doubt === null) return;
    throw new Refused(
      'dependency-unavailable',
      'the relationships do not belong to the event log; see: operator status',
    );
  }

  get projected(): number {
    return this.standing.projected;
  }

  get delivered(): number {
    return this.standing.delivered;
  }

  /** To be called before the start. */
  alsoHear(channel: string, other: OtherChannel): void {
    this.others.set(channel, other);
  }

  async start(): Promise<void> {
    await this.refresh().catch(() => undefined);
    await this.listen().catch(() => undefined);
    this.poll = setInterval(() => void this.tick(), POLL_MS);
    this.poll.unref();
  }

  /** Resolves to whether the stage reached the position within the time. */
  async waitFor(stage: Stage, position: number, timeoutMs: number): Promise<boolean> {
    if (this.standing[stage] >= position) return true;
    if (timeoutMs <= 0) return false;
    return new Promise((resolve) => {
      const timer = setTimeout(() => waiter.done(false), timeoutMs);
      const waiter: Waiter = {
        stage,
        position,
        done: (reached) => {
          clearTimeout(timer);
          this.waiters.delete(waiter);
          resolve(reached);
        },
      };
      this.waiters.add(waiter);
    });
  }

  /** The same for commands, which need what rows or SpiceDB say of a position: asks the database before it says no. */
  async confirm(stage: Stage, position: number, timeoutMs = LONGEST_WAIT_OF_COMMANDS_MS): Promise<boolean> {
    if (await this.waitFor(stage, position, timeoutMs)) return true;
    await this.refresh();
    return this.standing[stage] >= position;
  }

  /** Refuses what was done and taken back at once: when it is gone from SpiceDB, too, or after a while. */
  async refuseTakenBack(position: number, refusal: Refused): Promise<never> {
    await this.waitFor('delivered', position, LONGEST_WAIT_OF_COMMANDS_MS);
    throw refusal;
  }

  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.poll);
    for (const waiter of [...this.waiters]) waiter.done(false);
    this.unlisten?.();
  }

  private async tick(): Promise<void> {
    try {
      if (!this.unlisten) await this.listen();
      await this.refresh();
    } catch {
      // The database is away: who waits is answered by its own timeout.
    }
  }

  private async listen(): Promise<void> {
    const client = await this.pool.connect();
    if (this.closed) return client.release();
    client.on('notification', ({ channel, payload = '' }: Notification) => {
      if (channel === PROGRESS_CHANNEL) this.hear(payload);
      else this.others.get(channel)?.hear(payload);
    });
    const unlisten = (): void => {
      // A connection that breaks may say so more than once.
      if (released) return;
      released = true;
      if (this.unlisten === unlisten) this.unlisten = undefined;
      client.release(true);
    };
    let released = false;
    client.on('error', unlisten);
    try {
      for (const channel of [PROGRESS_CHANNEL, ...this.others.keys()]) await client.query(`listen ${channel}`);
      if (this.closed) return unlisten();
      for (const { missed } of this.others.values()) missed();
      this.unlisten = unlisten;
    } catch (error) {
      unlisten();
      throw error;
    }
  }

  private hear(payload: string): void {
    const told = parseTold(payload);
    if (told && (told.partition ?? 0) === this.partition) this.advance(told);
  }

  private async refresh(): Promise<void> {
    const { rows } = await this.pool.query<Standing>(
      `select coalesce((select position from relay_checkpoint where partition = $1), ${BEFORE_START}) as projected,
              coalesce((select position from delivery_mark where partition = $1), ${BEFORE_START}) as delivered,
              (select zed_token from delivery_mark where partition = $1) as "zedToken",
              (select doubt from delivery_mark where partition = $1) as doubt`,
      [this.partition],
    );
    this.advance(rows[0]!);
  }

  private advance(told: Partial<Standing>): void {
    const { standing } = this;
    if (told.doubt !== undefined) standing.doubt = told.doubt;
    if (told.projected !== undefined && told.projected > standing.projected) standing.projected = told.projected;
    if (told.delivered !== undefined && told.delivered >= standing.delivered) {
      standing.delivered = told.delivered;
      standing.zedToken = told.zedToken ?? standing.zedToken;
    }
    for (const waiter of [...this.waiters]) {
      if (standing[waiter.stage] >= waiter.position) waiter.done(true);
    }
  }
}

/** Undefined for what no relay says: anybody with the database may notify. */
function parseTold(payload: string): (Partial<Standing> & { partition?: number }) | undefined {
  try {
    const told: unknown = JSON.parse(payload);
    return typeof told === 'object' && told !== null ? told : undefined;
  } catch {
    return undefined;
  }
}
