import type { EventLog } from './event-log.js';
import { EventStoreDbEventLog } from './eventstoredb-event-log.js';
import { PostgresEventLog } from './postgres-event-log.js';
import type { WarningLog } from './postgres-connections.js';

export interface EventLogConfig {
  /** When set, the log is in EventStoreDB; otherwise in the database. */
  eventStoreUrl?: string;
  databaseUrl: string;
  log?: WarningLog;
}

export async function openEventLog({ eventStoreUrl, databaseUrl, log }: EventLogConfig): Promise<EventLog> {
  return eventStoreUrl
    ? EventStoreDbEventLog.connect({ url: eventStoreUrl, log })
    : PostgresEventLog.connect({ url: databaseUrl, log });
}
