import type { Clock, Ids } from '../../libs/platform/index.js';
import { deterministicIds } from '../../libs/platform/index.js';
import { type Flow, type FlowTimer, inFlow } from './flows.js';
import type { Scheduler } from './scheduler.js';

const EPOCH = Date.parse('2026-03-01T00:00:00.000Z');

/** A moment of the simulation as the clocks of its stores show it. */
export function instantAt(milliseconds: number): Date {
  return new Date(EPOCH + milliseconds);
}

/** A life of a process: once it is killed nothing of it goes on, and another life takes its place. */
export class SimulatedProcess implements Flow {
  alive = true;
  /** How far its clock is off, in milliseconds. */
  clockOff = 0;
  /** Resolves when it is killed. */
  readonly died: Promise<void>;
  readonly clock: Clock = { now: () => new Date(instantAt(this.scheduler.now).getTime() + this.clockOff) };
  readonly ids: Ids;
  private resumesAt = 0;
  private die: () => void = () => undefined;
  private readonly endings: (() => void | Promise<void>)[] = [];

  constructor(
    private readonly scheduler: Scheduler,
    /** Such as `relay-1#2`: its second life. */
    readonly name: string,
    seed: string,
  ) {
    this.died = new Promise((resolve) => (this.die = resolve));
    this.ids = deterministicIds(`${seed}/${name}`);
  }

  monotonic(): number {
    return this.scheduler.now;
  }

  /** Stands still for so long: it hears nothing, and its timers wait. */
  pause(milliseconds: number): void {
    this.resumesAt = Math.max(this.resumesAt, this.scheduler.now + milliseconds);
  }

  get pausedFor(): number {
    return Math.max(0, this.resumesAt - this.scheduler.now);
  }

  /** Runs something in it now, or when it goes on, unless it is killed until then. */
  hear(run: () => void): void {
    if (!this.alive) return;
    if (this.pausedFor === 0) return inFlow(this, run);
    this.scheduler.in(this.pausedFor, () => this.hear(run));
  }

  /** Runs something in it after a while, unless it is killed until then. */
  deliver(milliseconds: number, run: () => void): FlowTimer {
    const scheduled = this.scheduler.in(milliseconds, () => this.hear(() => !scheduled.cancelled && run()));
    return { cancel: () => void (scheduled.cancelled = true) };
  }

  startTimer(run: () => void, milliseconds: number, repeated: boolean): FlowTimer {
    let timer: FlowTimer;
    let cancelled = false;
    const start = (): FlowTimer =>
      this.deliver(Math.max(1, milliseconds), () => {
        if (repeated && !cancelled) timer = start();
        run();
      });
    timer = start();
    return {
      cancel: () => {
        cancelled = true;
        timer.cancel();
      },
    };
  }

  /** What is to be done when it is killed: its connections end. */
  onEnd(ending: () => void | Promise<void>): void {
    this.endings.push(ending);
  }

  async kill(): Promise<void> {
    if (!this.alive) return;
    this.alive = false;
    this.die();
    for (const ending of this.endings) await ending();
  }
}
