import type { Seeded } from './seeded.js';

export type Store = 'log' | 'postgres' | 'spicedb';
export const FAULT_KINDS = [
  /** The store takes its time. */
  'slow',
  /** The call fails and has done nothing. */
  'refused',
  /** The call did what it should, and its caller hears of an error. */
  'lost-reply',
  /** The caller hears of an error, and the call does what it should some time later. */
  'late',
  /** The call is done a second time, some time later. */
  'duplicate',
  /** The process is killed before the call did anything. */
  'crash-before',
  /** The process is killed when the call was done, before it hears of it. */
  'crash-after',
  /** The process stands still for a while, before the call is sent. */
  'pause-before',
  /** The process stands still for a while, before it hears of the answer. */
  'pause-after',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];
/** What happens to whole parts of the world rather than to a call. */
export const WORLD_FAULTS = ['outage', 'clock-jump', 'lost-notification', 'kill', 'poison'] as const;
export type WorldFault = (typeof WORLD_FAULTS)[number];

/** Whether a call is hit, and by what; `amount` (0 to 1) says how long what takes a while takes. */
export interface Fault {
  kind: FaultKind;
  amount: number;
}

const RATES = [0.003, 0.01, 0.03];
/** A story with a crash at every turn tells nothing. */
const CRASH_RATES = [0.001, 0.003, 0.008];

/**
 * Decides what goes wrong. Each seed has faults of its own, more and less often, since what never happens together hides
 * what only happens together.
 */
export class FaultPlan {
  readonly fired = new Map<string, number>();
  private readonly rates = new Map<string, number>();
  private chances = 0;
  private stopped = false;

  constructor(
    private readonly random: Seeded,
    /** Chances that are not taken, by their number: for finding the few faults that matter. */
    private readonly suppressed: ReadonlySet<number> = new Set(),
    readonly taken: number[] = [],
  ) {
    const choice = random.fork('rates');
    for (const name of [...FAULT_KINDS, ...WORLD_FAULTS]) {
      this.rates.set(name, choice.chance(0.5) ? choice.pick(/crash|pause/.test(name) ? CRASH_RATES : RATES) : 0);
    }
  }

  stop(): void {
    this.stopped = true;
  }

  /** Whether a call is hit by one of the kinds. */
  forCall(store: Store, kinds: readonly FaultKind[]): Fault | undefined {
    const [throwOf, amount] = [this.random.next(), this.random.next()];
    let left = throwOf;
    for (const kind of kinds) {
      left -= this.rates.get(kind)!;
      if (left < 0) return this.take(`${kind} ${store}`) ? { kind, amount } : undefined;
    }
    return undefined;
  }

  /** Whether something befalls the world now; `weight` times as often as it would a call. */
  forWorld(kind: WorldFault, weight = 1): boolean {
    const hit = this.random.next() < this.rates.get(kind)! * weight;
    return hit && this.take(kind);
  }

  private take(name: string): boolean {
    const chance = this.chances++;
    if (this.stopped || this.suppressed.has(chance)) return false;
    this.taken.push(chance);
    this.fired.set(name, (this.fired.get(name) ?? 0) + 1);
    return true;
  }
}
