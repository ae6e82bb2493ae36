import { BEFORE_START, type CommandContext, type EventLog } from '../event-store/index.js';
import { isSealed, type SubjectKeys } from '../personal-data/index.js';
import type { Domain } from '../projections/index.js';
import { recordRepair } from './record-repair.js';
import { KEYS_LOSS_ACCEPTED } from './repairs.noun.js';
import { readPieces } from './truth.js';

export interface LostKeys {
  /** Whose they are, in order. */
  subjects: string[];
  /** How many events have personal fields that can't be opened. */
  events: number;
}

interface Sealing {
  log: EventLog;
  domain: Pick<Domain, 'registry'>;
}

/** Of one event on the record. */
const SUBJECTS_AT_ONCE = 1_000;

/** Personal fields in the log that no key of the table opens, though nobody was erased: the table is older than the log. */
export async function findLostKeys({ log, domain }: Sealing): Promise<LostKeys> {
  const subjects = new Set<string>();
  let events = 0;
  for await (const piece of readPieces(log, BEFORE_START, await log.head())) {
    for (const { personal, actor } of await domain.registry.openParts(piece)) {
      const closed = [personal, actor].filter(isSealed);
      for (const { subject } of closed) subjects.add(subject);
      if (closed.length > 0) events++;
    }
  }
  return { subjects: [...subjects].sort(), events };
}

/** From now on what the lost keys sealed counts as erased; the persons have keys for what comes. */
export async function acceptLostKeys(
  { keys, context, ...sealing }: Sealing & { keys: SubjectKeys; context: () => CommandContext },
  { subjects }: LostKeys,
): Promise<void> {
  for (let start = 0; start < subjects.length; start += SUBJECTS_AT_ONCE) {
    const some = subjects.slice(start, start + SUBJECTS_AT_ONCE);
    await recordRepair(sealing, context(), { type: KEYS_LOSS_ACCEPTED, data: { subjects: some } });
    await keys.replaceLost(some);
  }
}
