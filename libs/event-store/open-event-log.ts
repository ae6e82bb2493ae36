import type { EventLog } from './event-log.js';
import { PostgresEventLog } from './postgres-event-log.js';
import type { WarningLog } from './postgres-connections.js';

export interface EventLogConfig {
  /** When set, the log is in EventStoreDB; otherwise in the database. */
  eventStoreUrl?: string;
  databaseUrl: string;
  log?: WarningLog;
}

export async function openEventLog({ eventStoreUrl, databaseUrl, log }: EventLogConfig): Promise<EventLog> {
  if (!eventStoreUrl) return PostgresEventLog.connect({ url: databaseUrl, log });
  // Its client takes half a second to load: only who uses it pays.
  const { EventStoreDbEventLog } = await import('./eventstoredb-event-log.js');
  return EventStoreDbEventLog.connect({ url: eventStoreUrl, log });
}
