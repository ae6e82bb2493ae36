import type { Pool } from 'pg';
import { type EventLog, NO_STREAM, openEventLog, type StoredEvent } from '../event-store/index.js';
import { openPool } from '../platform/index.js';
import { createTestDatabase, type TestDatabase } from '../testing/index.js';
import { anEvent, someMetadata } from '../testing/event-builders.js';
import type { AuditMapping } from './audit-rendering.js';
import { isAuditHead } from './audit-heads.js';
import { writeAuditEntries } from './audit-writer.js';

export const TENANT = '01JQ0000000000000000000T01';

export const mapping: AuditMapping = ({ type, stream, data }) => {
  if (data.poison) throw new Error('not to be understood');
  return { action: type.replace('.v1', ''), resource: { type: 'thing', id: stream }, new: { ...data } };
};

/** A log and the trail of its events, without anything else that follows from them. */
export class Trail {
  private constructor(
    private readonly database: TestDatabase,
    readonly pool: Pool,
    readonly log: EventLog,
  ) {}

  static async start(): Promise<Trail> {
    const database = await createTestDatabase();
    const pool = openPool({ url: database.url, applicationName: 'spec' });
    return new Trail(database, pool, await openEventLog({ databaseUrl: database.url }));
  }

  async stop(): Promise<void> {
    await this.log.close();
    await this.pool.end();
    await this.database.drop();
  }

  async append(stream: string, event: Partial<StoredEvent>): Promise<StoredEvent> {
    const revision = (await this.log.readStream(stream)).at(-1)?.revision ?? NO_STREAM;
    const metadata = event.metadata ?? someMetadata({ tenantId: TENANT });
    await this.log.append(stream, revision, [anEvent({ ...event, metadata })]);
    return (await this.log.readStream(stream)).at(-1)!;
  }

  /** Writes the entries of everything that has none. */
  async write(): Promise<void> {
    const { rows } = await this.pool.query<{ last: number }>(
      'select coalesce(max(position), -1) as last from audit_entry',
    );
    const events = await this.log.readAll(rows[0]!.last, 100_000);
    const client = await this.pool.connect();
    await writeAuditEntries(
      client,
      events.filter(({ type }) => !isAuditHead(type)),
      mapping,
    );
    client.release();
  }
}
