import { setTimeout as pause } from 'node:timers/promises';

/** `now` is milliseconds that only go forward. */
export interface PaceTiming {
  now(): number;
  pause(ms: number): Promise<unknown>;
}

/** How much of the time a replay works while the relay does. */
const SHARE = 1 / 8;
/** Where batches take long because others have the machine, rests do not make it worse. */
const LONGEST_REST_MS = 250;
/** So long after its last step the relay is at work: calls come one by one. */
const QUIET_MS = 1_000;
/** Batches after which it is known whether the relay is at work. */
const LOOKS = 4;

interface Look {
  at: number;
  /** Of the replay, and of the relay. */
  position: number;
  checkpoint: number;
}

/**
 * Lets a replay rest after each batch while the relay is at work, seven times as long as the batch took, so that few
 * calls meet with it. A rest is shorter where the relay would move on by more than half of what the batch before has
 * gained: whatever comes to its end at full speed does so with rests, too.
 */
export class Pace {
  resting = false;
  restedMs = 0;
  private looks = 0;
  private before: Look | undefined;
  private last: Look | undefined;
  private relayMovedAt = -Infinity;
  private workingSince = 0;

  constructor(private readonly timing: PaceTiming = { now: () => performance.now(), pause }) {}

  /** Whether batches should be small: the relay is at work, or may be. */
  get isWary(): boolean {
    return this.resting || this.looks < LOOKS;
  }

  get hasRested(): boolean {
    return this.restedMs > 0;
  }

  /** From here on time counts as work, up to the next rest. */
  begin(): void {
    this.workingSince = this.timing.now();
  }

  /** After each batch. */
  look(position: number, checkpoint: number): void {
    const at = this.timing.now();
    this.looks++;
    if (this.last && checkpoint > this.last.checkpoint) this.relayMovedAt = at;
    this.before = this.last;
    this.last = { at, position, checkpoint };
  }

  async rest(): Promise<void> {
    const ms = this.restMs();
    this.resting = ms > 0;
    if (ms > 0) await this.timing.pause(ms);
    this.restedMs += ms;
    this.begin();
  }

  /** After a step that is not a batch, in a replay that has rested after batches. */
  async restAfterStep(): Promise<void> {
    if (this.hasRested) {
      const worked = this.timing.now() - this.workingSince;
      const ms = Math.min(worked / SHARE - worked, LONGEST_REST_MS);
      await this.timing.pause(ms);
      this.restedMs += ms;
    }
    this.begin();
  }

  private restMs(): number {
    const { before, last } = this;
    const now = this.timing.now();
    if (!before || !last || now - this.relayMovedAt > QUIET_MS) return 0;
    const worked = now - this.workingSince;
    const [gained, moved] = [last.position - before.position, last.checkpoint - before.checkpoint];
    const longest = moved > 0 ? ((last.at - before.at) * gained) / (2 * moved) : Infinity;
    return Math.max(0, Math.min(worked / SHARE - worked, longest - worked, LONGEST_REST_MS));
  }
}
