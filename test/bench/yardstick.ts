import { hash } from 'node:crypto';
import type { BenchRow } from './bench-row.js';

/** More than this, and the machine was not quiet. */
export const MOST_MOVED = 0.2;

const YARDSTICK_MS = 400;
const TEXT = 'x'.repeat(4_096);

/** How much of one core there is: hashes a ms, the same work whenever it is asked. */
export function yardstick(): number {
  const endsAt = performance.now() + YARDSTICK_MS;
  let hashes = 0;
  for (; performance.now() < endsAt; hashes++) hash('sha256', TEXT);
  return hashes / YARDSTICK_MS;
}

/** By how much the largest is more than the smallest. */
export function moved(measured: readonly number[]): number {
  return Math.max(...measured) / Math.min(...measured) - 1;
}

/** What was not the same all the time: ratios to it are no result. */
export function unsteady(rows: readonly BenchRow[], yardsticks: readonly number[]): string[] {
  const limits = rows.flatMap(({ name, limit }): [string, readonly number[]][] => (limit ? [[name, limit]] : []));
  const all: [string, readonly number[]][] = [['one core, from start to end', yardsticks], ...limits];
  const percent = (share: number): number => Math.round(share * 100);
  return all
    .filter(([, measured]) => moved(measured) > MOST_MOVED)
    .map(([name, measured]) => `${name}: the limit moved by ${percent(moved(measured))} %`);
}
