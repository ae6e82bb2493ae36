export interface Clock {
  now(): Date;
}

/** Injection token of the Clock. */
export const CLOCK = Symbol('Clock');

export const systemClock: Clock = { now: () => new Date() };

/** A clock that stands still until it is moved. */
export class ManualClock implements Clock {
  #milliseconds: number;

  constructor(start: Date | string = '2026-01-01T00:00:00.000Z') {
    this.#milliseconds = new Date(start).getTime();
  }

  now(): Date {
    return new Date(this.#milliseconds);
  }

  set(to: Date | string): void {
    this.#milliseconds = new Date(to).getTime();
  }

  advance(milliseconds: number): void {
    this.#milliseconds += milliseconds;
  }
}
