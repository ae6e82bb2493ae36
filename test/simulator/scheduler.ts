import { setImmediate as afterEverything } from 'node:timers';

export interface Scheduled {
  readonly at: number;
  cancelled: boolean;
}

interface Entry extends Scheduled {
  order: number;
  run: () => void | Promise<void>;
}

/**
 * Runs one thing after the other in the order of a simulated time, and each only when everything that the one before
 * set going has come to a halt: so the same schedule gives the same course of things.
 */
export class Scheduler {
  /** Milliseconds since the beginning. */
  now = 0;
  /** How many things were run. */
  steps = 0;
  private readonly heap: Entry[] = [];
  private order = 0;

  in(milliseconds: number, run: () => void | Promise<void>): Scheduled {
    const entry = { at: this.now + Math.max(0, milliseconds), order: this.order++, cancelled: false, run };
    this.push(entry);
    return entry;
  }

  /** @returns false where there is nothing to run any more */
  async step(): Promise<boolean> {
    let next = this.pop();
    while (next?.cancelled) next = this.pop();
    if (!next) return false;
    this.steps++;
    this.now = Math.max(this.now, next.at);
    await next.run();
    await new Promise<void>((resolve) => afterEverything(resolve));
    return true;
  }

  private push(entry: Entry): void {
    const { heap } = this;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(entry, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  private pop(): Entry | undefined {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (first === last || !last) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(one: Entry, other: Entry): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
