import {
  type CommandContext,
  type DomainEvent,
  type EventLog,
  NO_STREAM,
  RevisionConflict,
  toAppend,
} from '../event-store/index.js';
import type { Domain } from '../projections/index.js';
import { REPAIRS_STREAM } from './repairs.noun.js';

/** Puts what an operator does on the record, before it is done. @returns the position of the event */
export async function recordRepair(
  { log, domain }: { log: EventLog; domain: Pick<Domain, 'registry'> },
  context: CommandContext,
  event: DomainEvent,
): Promise<number> {
  const events = await domain.registry.seal(toAppend(REPAIRS_STREAM, [event], context, null));
  for (;;) {
    const revision = (await log.readStream(REPAIRS_STREAM)).at(-1)?.revision ?? NO_STREAM;
    try {
      return (await log.append(REPAIRS_STREAM, revision, events)).position;
    } catch (error) {
      if (!(error instanceof RevisionConflict)) throw error;
    }
  }
}
