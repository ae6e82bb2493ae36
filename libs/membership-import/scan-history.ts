import { nameKey } from '../platform/index.js';
import { type Change, MalformedHistory } from './history.js';

/** A change of a history, as far as it matters for going on after it. */
export interface Mark {
  change: number;
  /** Of the history, up to the change. */
  lines: number;
  digest: string;
}

/**
 * Reads a history to its end.
 *
 * @throws MalformedHistory also where two names would be the same tenant or workspace
 */
export async function scanHistory(changes: AsyncIterable<Change>): Promise<Mark[]> {
  const marks: Mark[] = [];
  const spellings = new Map<string, string>();
  let lines = 0;
  for await (const { change, lines: ofChange, digest } of changes) {
    for (const { line, org, team } of ofChange) {
      const key = JSON.stringify([nameKey(org), nameKey(team)]);
      const spelling = JSON.stringify([org, team]);
      const before = spellings.get(key);
      if (before === undefined) spellings.set(key, spelling);
      else if (before !== spelling) {
        throw new MalformedHistory(line, `the names ${spelling} and ${before} count as the same`);
      }
    }
    lines += ofChange.length;
    marks.push({ change, lines, digest });
  }
  return marks;
}
