import type { CommandContext } from '../event-store/index.js';
import { derivedUlid, derivedUuid } from '../platform/index.js';

const NAMESPACE = 'membership-import';
export const IMPORTER = 'importer';

/** The moment of a history at which something is done. */
export interface Moment {
  change: number;
  /** ISO 8601 UTC. */
  at: string;
}

/** Contexts and ids that derive from the history alone, so that the same history asks for the same again. */
export class ImportContexts {
  constructor(private readonly issuer: string) {}

  of({ change, at }: Moment, ...parts: string[]): CommandContext {
    const moment = [this.issuer, String(change), at];
    return {
      commandId: derivedUuid(NAMESPACE, ...moment, ...parts),
      actor: { type: 'process', id: IMPORTER },
      authentication: 'operator',
      correlationId: derivedUuid(NAMESPACE, ...moment),
      causationId: null,
      at,
    };
  }

  ulid({ at }: Pick<Moment, 'at'>, ...parts: string[]): string {
    return derivedUlid(new Date(at), NAMESPACE, ...parts);
  }
}
