import type { ClientBase } from 'pg';
import type { Recorded } from '../event-store/index.js';
import { foldRelationships, type SourceMapping } from '../outbox/index.js';
import { type Opened, openTables, type Rebuilt, ReplayRun, type WriteFolded } from './replay-run.js';
import { nextName } from './replay-tables.js';
import { quote } from './row-writer.js';

/** Who wants which relationship: rebuilt like a read model, though no query reads it. */
export const wantedRelationships: Rebuilt = {
  name: 'relationships',
  version: 2,
  tables: [
    {
      name: 'relationship_source',
      key: ['tuple', 'source'],
      columns: {
        tuple: 'text',
        source: 'text',
        resource: 'text',
        subject: 'text',
        tenant_id: 'text',
        until: 'timestamptz',
        position: 'bigint',
        withdrawn: 'boolean',
      },
    },
    { name: 'suspended_subject', key: ['subject'], columns: { subject: 'text' } },
    { name: 'closed_tenant', key: ['tenant_id'], columns: { tenant_id: 'text' } },
  ],
};

const SCHEMA = 'replay_relationships';

/**
 * Folds as the relay does, but with names that lead elsewhere: to the next tables, and for what the relay would deliver
 * to a table that nobody reads.
 */
export class RelationshipsRun extends ReplayRun {
  private events: Recorded[] = [];

  private constructor(
    private readonly client: ClientBase,
    private readonly mapping: SourceMapping,
    private readonly partition: number,
    { next, position }: Opened,
  ) {
    super(wantedRelationships, next, position);
  }

  static async open(client: ClientBase, mapping: SourceMapping, partition: number): Promise<RelationshipsRun> {
    const opened = await openTables(client, wantedRelationships);
    await client.query(`drop schema if exists ${SCHEMA} cascade`);
    await client.query(`create schema ${SCHEMA}`);
    for (const name of ['relationship_change', 'parked']) {
      await client.query(`create table ${SCHEMA}.${name} (like ${name})`);
    }
    for (const name of opened.next.keys()) {
      await client.query(`create view ${SCHEMA}.${quote(name)} as select * from ${quote(nextName(name))}`);
    }
    return new RelationshipsRun(client, mapping, partition, opened);
  }

  override async takePlace(): Promise<void> {
    await this.client.query(`drop schema ${SCHEMA} cascade`);
    await super.takePlace();
  }

  take(): WriteFolded {
    const { events } = this;
    this.discard();
    return async () => {
      if (events.length > 0) await this.foldStored(events);
    };
  }

  discard(): void {
    this.events = [];
  }

  protected foldFresh(events: readonly Recorded[]): void {
    for (const event of events) this.events.push(event);
  }

  private async foldStored(events: readonly Recorded[]): Promise<void> {
    for (const table of this.next.values()) await table.buildAll();
    await this.client.query(`set local search_path = ${SCHEMA}`);
    await foldRelationships(this.client, this.partition, events, this.mapping);
    await this.client.query('delete from relationship_change');
    await this.client.query('set local search_path to default');
  }
}
