export interface EventStoreDbTiming {
  /** An append, or a read that stands still, is given up after this long and tried again. */
  attemptMs: number;
  /** After this long over all attempts it is unavailable. */
  deadlineMs: number;
  /** A subscription that says nothing for so long is compared with a plain read. */
  silenceMs: number;
}

/** Under load a server on disk needs tens of milliseconds; its own limit for a write is 2 s. */
export const DEFAULT_TIMING: EventStoreDbTiming = { attemptMs: 4_000, deadlineMs: 12_000, silenceMs: 3_000 };
