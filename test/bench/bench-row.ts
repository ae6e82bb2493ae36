export interface BenchRow {
  name: string;
  ours: number;
  /** `null` when the peer wasn't run; `note` says why. */
  peer: number | null;
  /** How many times better ours is: more than 1 is better than the peer, whichever the unit. */
  ratio: number | null;
  unit: string;
  /** The smallest ratio that is good enough. */
  target?: number;
  note?: string;
}
