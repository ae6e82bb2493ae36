/** Which of the product's promises a check is about. */
export type PromiseName = 'P3' | 'P4' | 'P7' | 'P9';

export interface EventRef {
  position: number;
  id: string;
  type: string;
}

export interface Difference {
  kind: string;
  /** The row, tuple, event or entry it is about. */
  subject: string;
  expected?: unknown;
  actual?: unknown;
  /** The event that should have made it so. */
  event?: EventRef;
}

export interface Check {
  name: string;
  promise: PromiseName;
  ok: boolean;
  /** The first of them. */
  differences: Difference[];
  count: number;
}

export interface ParkedRow {
  id: string;
  position: number;
  eventId: string;
  eventType: string;
  stage: 'event' | 'delivery' | 'process';
  tuple: string | null;
  expiresAt: string | null;
  error: string;
  status: 'parked' | 'retried' | 'discarded';
}

export interface Report {
  /** The checkpoint it was checked at. */
  position: number;
  ok: boolean;
  checks: Check[];
  delivery: { delivered: number; undelivered: number };
  /** What waits for an operator; the first of it. */
  parked: { count: number; rows: ParkedRow[] };
}

export const MOST_LISTED = 50;

/** Collects what a check finds; lists the first and counts all. */
export class Findings {
  private readonly differences: Difference[] = [];
  private count = 0;

  constructor(
    private readonly promise: PromiseName,
    private readonly name: string,
  ) {}

  add(difference: Difference): void {
    if (++this.count <= MOST_LISTED) this.differences.push(difference);
  }

  get check(): Check {
    const { name, promise, differences, count } = this;
    return { name, promise, ok: count === 0, differences, count };
  }
}
