const FIRST_MS = 50;
const LONGEST_MS = 5_000;

/** Longer and longer pauses, each spread at random over its second half, so that relays do not knock in step. */
export class Backoff {
  private failures = 0;

  constructor(private readonly random: () => number) {}

  reset(): void {
    this.failures = 0;
  }

  next(): number {
    const longest = Math.min(FIRST_MS * 2 ** this.failures++, LONGEST_MS);
    return longest / 2 + (longest / 2) * this.random();
  }
}
