export interface BenchRow {
  name: string;
  ours: number;
  /** The peer's figure, or the limit where the row has no peer. `null` when the peer wasn't run; `note` says why. */
  peer: number | null;
  /** How many times better ours is: more than 1 is better than the peer, whichever the unit. */
  ratio: number | null;
  unit: string;
  /** The smallest ratio that is good enough. */
  target?: number;
  note?: string;
  /** Every measurement of what ours is divided by, where that is a limit: it shows whether the machine was quiet. */
  limit?: readonly number[];
}

export interface MissingPeer {
  missing: string;
}

export function rounded(value: number): number {
  const digits = value < 10 ? 2 : value < 100 ? 1 : 0;
  return Number(value.toFixed(digits));
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? NaN) + (sorted[Math.floor(middle)] ?? NaN)) / 2;
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)]!;
}

/** From the smallest to the largest of the rounds: how much the figure may be trusted. */
export function spread(values: readonly number[]): string {
  return `${rounded(Math.min(...values))}–${rounded(Math.max(...values))}`;
}
