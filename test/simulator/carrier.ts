import type { Fault, FaultKind, FaultPlan, Store } from './fault-plan.js';
import type { Scheduler } from './scheduler.js';
import type { Seeded } from './seeded.js';
import type { SimulatedProcess } from './simulated-process.js';

/** What a call did: at once, or once somebody else lets go of what it waits for. */
export type Effect<T> = { ok: T } | { failed: unknown } | { later: (tell: (effect: Settled<T>) => void) => void };
export type Settled<T> = { ok: T } | { failed: unknown };

/** A call of a process to a store. */
export interface Call<T> {
  store: Store;
  label: string;
  /** What may go wrong with it. */
  kinds: readonly FaultKind[];
  effect: () => Effect<T> | Promise<Effect<T>>;
  /** What its caller is told when the store, or the way to it, fails. */
  error: () => Error;
  /** The connection is lost with the call, though what was sent on it may get there late. */
  sever?: (late: boolean) => void | Promise<void>;
}

const LONGEST_SLOW_MS = 3_000;
const LONGEST_LATE_MS = 9_000;
const LONGEST_PAUSE_MS = 9_000;
const MOST_LATENCY_MS = 6;

interface CarrierOptions {
  scheduler: Scheduler;
  faults: FaultPlan;
  random: Seeded;
  trace: (line: string) => void;
  crash: (process: SimulatedProcess) => Promise<void>;
  isDown: (store: Store) => boolean;
}

/** Carries every call of a process to a store: the place where time passes, and where things go wrong. */
export class Carrier {
  /** How many calls are still on their way whose callers do not wait for them any more. */
  underWay = 0;

  constructor(private readonly options: CarrierOptions) {}

  /** Never settles once the process is killed. */
  carry<T>(process: SimulatedProcess, call: Call<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (!process.alive) return;
      const { scheduler, faults, random } = this.options;
      const fault = faults.forCall(call.store, call.kinds);
      const [latency, lands] = [random.between(0, MOST_LATENCY_MS), random.chance(0.5)];
      const answer = (effect: Settled<T>): void =>
        process.hear(() => ('ok' in effect ? resolve(effect.ok) : reject(effect.failed as Error)));
      const wait = latency + this.delayBefore(process, fault);
      scheduler.in(wait, () => {
        if (process.alive) return this.arrive(process, call, fault, answer);
        // What was under way when the process was killed may still get there.
        if (lands && !call.sever) return this.perform(process, call, 'sent by a process that is gone', () => undefined);
      });
    });
  }

  private delayBefore(process: SimulatedProcess, fault: Fault | undefined): number {
    if (fault?.kind === 'slow') return 50 + fault.amount * LONGEST_SLOW_MS;
    if (fault?.kind !== 'pause-before') return 0;
    process.pause(100 + fault.amount * LONGEST_PAUSE_MS);
    return process.pausedFor;
  }

  private async arrive<T>(
    process: SimulatedProcess,
    call: Call<T>,
    fault: Fault | undefined,
    answer: (effect: Settled<T>) => void,
  ): Promise<void> {
    const { scheduler, crash, isDown } = this.options;
    const fail = (): void => answer({ failed: call.error() });
    const again = (why: string): void => {
      this.underWay++;
      scheduler.in(50 + fault!.amount * LONGEST_LATE_MS, () => {
        this.underWay--;
        return this.perform(process, call, why, () => undefined);
      });
    };
    const kind = fault?.kind ?? (isDown(call.store) ? 'refused' : undefined);
    switch (kind) {
      case 'refused':
        this.note(process, call, isDown(call.store) ? 'the store is down' : kind);
        await call.sever?.(false);
        return fail();
      case 'late':
        this.note(process, call, kind);
        await call.sever?.(true);
        again('late');
        return fail();
      case 'crash-before':
        this.note(process, call, kind);
        return crash(process);
      case 'lost-reply':
        return this.perform(process, call, kind, async () => {
          await call.sever?.(false);
          fail();
        });
      case 'crash-after':
        return this.perform(process, call, kind, () => crash(process));
      case 'pause-after':
        return this.perform(process, call, kind, (effect) => {
          process.pause(100 + fault!.amount * LONGEST_PAUSE_MS);
          answer(effect);
        });
      case 'duplicate':
        again('a second time');
        return this.perform(process, call, kind, answer);
      default:
        return this.perform(process, call, kind, answer);
    }
  }

  private async perform<T>(
    process: SimulatedProcess,
    call: Call<T>,
    why: string | undefined,
    then: (effect: Settled<T>) => void | Promise<void>,
  ): Promise<void> {
    const effect = await call.effect();
    if (!('later' in effect)) {
      this.note(process, call, [why, 'failed' in effect ? named(effect.failed) : undefined]);
      return then(effect);
    }
    this.note(process, call, [why, 'waits for a lock']);
    effect.later((settled) => {
      this.note(process, call, ['has waited for a lock', 'failed' in settled ? named(settled.failed) : undefined]);
      void this.options.scheduler.in(0, () => then(settled));
    });
  }

  private note(
    process: SimulatedProcess,
    { store, label }: Pick<Call<unknown>, 'store' | 'label'>,
    remarks?: string | (string | undefined)[],
  ): void {
    const remark = [remarks].flat().filter(Boolean).join(', ');
    this.options.trace(`${process.name.padEnd(9)} ${store}: ${label}${remark ? ` [${remark}]` : ''}`);
  }
}

function named(error: unknown): string {
  const { name, message } = error as Error;
  return `${name}: ${message.split('\n', 1)[0]}`;
}
