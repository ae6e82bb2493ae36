import type { SpiceDb } from '../authorization/index.js';
import { PARTITION } from '../event-store/index.js';
import { readMark } from '../outbox/index.js';
import { Gathered, Refused } from '../platform/index.js';
import type { Progress } from '../projections/index.js';

const READS_AT_ONCE = 2;

/**
 * A SpiceDB that was emptied says no to everything: where something was delivered to it, it holds the mark, which is looked
 * for after the answer. Who is told no at the same time shares the reading; who is told yes needs none.
 * @returns rejects with Refused `dependency-unavailable`
 */
export function requireFilled(spicedb: SpiceDb, progress: Progress): () => Promise<void> {
  const marks = new Gathered(async (asked: readonly undefined[]) => {
    const mark = await readMark(spicedb, PARTITION);
    return asked.map(() => mark);
  }, READS_AT_ONCE);
  return async () => {
    if (progress.zedToken === null || (await marks.ask(undefined))) return;
    throw new Refused('dependency-unavailable', 'SpiceDB was emptied; see: operator status');
  };
}
