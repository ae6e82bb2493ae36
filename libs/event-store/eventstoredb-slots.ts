import { TimedOut } from './waiting.js';

interface Waiter {
  enter(): void;
  reject(error: Error): void;
}

/** Lets so many in at once, the others in the order in which they came. */
export class Slots {
  private readonly waiters = new Set<Waiter>();
  private closed = false;

  constructor(private free: number) {}

  /** Resolves with what to call when done. */
  async take(longestWaitMs: number): Promise<() => void> {
    if (this.closed) throw new TimedOut('the connection was given up');
    if (this.free > 0) this.free--;
    else await this.wait(longestWaitMs);
    let held = true;
    return () => {
      if (held) this.leave();
      held = false;
    };
  }

  /** Those who wait are to try elsewhere. */
  close(): void {
    this.closed = true;
    for (const waiter of this.waiters) waiter.reject(new TimedOut('the connection was given up'));
    this.waiters.clear();
  }

  private wait(longestWaitMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiters.delete(waiter);
        reject(new TimedOut('too many appends wait for the event store'));
      }, longestWaitMs);
      const waiter: Waiter = {
        enter: () => {
          clearTimeout(timer);
          resolve();
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
      this.waiters.add(waiter);
    });
  }

  private leave(): void {
    const [next] = this.waiters;
    if (!next) {
      this.free++;
      return;
    }
    this.waiters.delete(next);
    next.enter();
  }
}
