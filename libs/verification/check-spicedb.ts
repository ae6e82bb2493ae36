import { compareSpiceDb, type ComparedWith, type SpiceDbDifference, type TupleFault } from './compare-spicedb.js';
import type { TupleChange } from './naive-relationships.js';
import { type Check, Findings } from './report.js';
import type { Standing } from './standing.js';

/** SpiceDB holds exactly what is wanted. What it refused, and is parked, does not count. */
export async function checkSpiceDb(options: ComparedWith, follow: () => Promise<void>): Promise<Check> {
  const findings = new Findings('P4', 'relationships in SpiceDB');
  const difference = await compareSpiceDb(options, follow);
  for (const kind of ['missing', 'extra', 'wrongEnd'] as const satisfies (keyof SpiceDbDifference)[]) {
    for (const fault of difference[kind]) findings.add(asDifference(kind, fault));
  }
  return findings.check;
}

function asDifference(kind: string, { tuple, wanted, actual, event }: TupleFault) {
  const shown = kind === 'wrongEnd' ? { expected: wanted ?? 'no end', actual: actual ?? 'no end' } : {};
  return { kind, subject: tuple, ...shown, ...(event && { event }) };
}

/**
 * One mark: not behind a change that is noted as delivered, and not ahead of what there is to deliver. In between it is
 * right while a delivery is about to be noted, as the mark and not the note says what was delivered.
 * @param now read later than the mark; `foreign` where the log does not have the event of the mark
 */
export function checkMark(
  standing: Standing,
  now: { checkpoint: number; foreign: boolean },
  changes: readonly TupleChange[],
): Check {
  const { marks, before } = standing;
  const findings = new Findings('P4', 'delivery mark');
  const [mark, ...others] = marks;
  if (!mark) {
    if (before.everWritten) findings.add({ kind: 'missing', subject: 'mark', expected: before.delivered });
    return findings.check;
  }
  for (const { tuple } of others) findings.add({ kind: 'extra', subject: tuple });
  if (mark.position > now.checkpoint) {
    findings.add({ kind: 'ahead', subject: mark.tuple, expected: now.checkpoint, actual: mark.position });
  } else if (now.foreign) {
    findings.add({ kind: 'foreign', subject: mark.tuple, actual: mark.eventId });
  }
  for (const { tuple, event } of changes.filter((change) => isSkipped(change, standing))) {
    findings.add({ kind: 'behind', subject: tuple, expected: event.position, actual: mark.position, event });
  }
  return findings.check;
}

/** Whether the mark says that the change is still to be delivered, though it was noted as delivered. */
export function isSkipped({ event }: TupleChange, { marks: [mark], before }: Standing): boolean {
  return mark !== undefined && event.position > mark.position && event.position <= before.delivered;
}
