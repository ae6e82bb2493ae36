import { readFile } from 'node:fs/promises';
import type { Pool } from 'pg';
import { CommitBatch } from '../../apps/relay/commit-batch.js';
import { auditPart } from '../audit-log/index.js';
import { SpiceDb, type Update } from '../authorization/index.js';
import { type EmbeddedSpiceDb, projectPath, startEmbeddedSpiceDb } from '../embedded/index.js';
import {
  BEFORE_START,
  type CommandContext,
  type DomainEvent,
  type EventLog,
  NO_STREAM,
  openEventLog,
  type StoredEvent,
  toAppend,
} from '../event-store/index.js';
import { Delivery, type SourceChange } from '../outbox/index.js';
import { deterministicIds, type Ids, ManualClock, openPool } from '../platform/index.js';
import { Domain, type DomainPart, noun, readModel, type RowChange } from '../projections/index.js';
import { tenantsPart } from '../tenants/index.js';
import { createTestDatabase, type TestDatabase } from '../testing/index.js';
import { workspacesPart } from '../workspaces/index.js';
import { checkInvariants } from './check-invariants.js';
import { repairRelationships } from './repair-relationships.js';
import { verificationPart } from './repairs.noun.js';
import type { Difference, Report } from './report.js';
import { definitionsOf } from './schema-types.js';

export const TENANT = '01JQ0000000000000000000T01';
export const ROOT = '01JQ0000000000000000000W01';
export const CHILD = '01JQ0000000000000000000W02';
export const ADA = '01JQ0000000000000000000A01';
export const BOB = '01JQ0000000000000000000B01';
export const AT = '2026-01-01T00:00:00.000Z';

type Sampled = DomainEvent<'sample-recorded.v1', { sources?: SourceChange[]; rows?: RowChange[]; poison?: boolean }>;

/** A noun whose events say themselves what they do. */
const samplePart: DomainPart = {
  nouns: [
    noun<Sampled>({
      name: 'samples',
      types: { 'sample-recorded.v1': 'Something for the test.' },
      relationships: {
        'sample-recorded.v1': ({ data }) => {
          if (data.poison) throw new Error('nobody can apply this');
          return data.sources ?? [];
        },
      },
      audit: {
        'sample-recorded.v1': ({ stream }) => ({ action: 'sample.recorded', resource: { type: 'sample', id: stream } }),
      },
    }),
  ],
  readModels: [
    readModel({
      name: 'samples',
      version: 1,
      tables: [
        {
          name: 'sample',
          key: ['group', 'id'],
          columns: { group: 'text', id: 'integer', at: 'timestamptz', size: 'bigint', on: 'boolean', body: 'jsonb' },
        },
      ],
      changes: { 'sample-recorded.v1': ({ data }: Sampled) => data.rows ?? [] },
    }),
  ],
  processes: [],
};

const SAMPLE_TABLE = `create table sample ("group" text, id integer, at timestamptz, size bigint, "on" boolean, body jsonb,
  primary key ("group", id))`;

/** An event log, a database and a SpiceDB, and what the relay does with them, one step at a time. */
export class World {
  readonly domain = new Domain([tenantsPart, workspacesPart, auditPart, verificationPart, samplePart]);
  readonly clock = new ManualClock(AT);
  readonly ids: Ids = deterministicIds('world');
  private batches!: CommitBatch;
  private delivery!: Delivery;

  private constructor(
    private readonly database: TestDatabase,
    readonly pool: Pool,
    readonly log: EventLog,
    private server: EmbeddedSpiceDb,
    readonly schema: string,
    public spicedb: SpiceDb,
  ) {}

  static async start(): Promise<World> {
    const [database, server] = await Promise.all([
      createTestDatabase(),
      startEmbeddedSpiceDb({ presharedKey: 'test' }),
    ]);
    const pool = openPool({ url: database.url, applicationName: 'spec' });
    await pool.query(SAMPLE_TABLE);
    const log = await openEventLog({ databaseUrl: database.url });
    const schema = await readFile(projectPath('schema.zed'), 'utf8');
    const world = new World(database, pool, log, server, schema, clientOf(server));
    const { domain } = world;
    const incarnation = await log.incarnation();
    world.batches = new CommitBatch({ pool, domain, partition: 0, incarnation, hold: async () => undefined });
    await world.connectSpiceDb();
    return world;
  }

  get databaseUrl(): string {
    return this.database.url;
  }

  async stop(): Promise<void> {
    await this.log.close();
    this.spicedb.close();
    await this.pool.end();
    await Promise.all([this.database.drop(), this.server.stop()]);
  }

  /** Nothing is in it any more, as after the start. */
  async reset(): Promise<void> {
    const { rows } = await this.pool.query<{ tables: string }>(
      `select string_agg(format('%I.%I', schemaname, tablename), ', ') as tables from pg_tables
       where schemaname = 'public' or (schemaname = 'event_log' and tablename <> 'head')`,
    );
    await this.pool.query(`truncate ${rows[0]!.tables}; update event_log.head set last_position = -1`);
    for (const type of definitionsOf((await this.spicedb.readSchema())!)) {
      for await (const page of this.spicedb.readAll(type)) {
        await this.spicedb.write(page.map(({ tuple }) => ({ operation: 'delete', tuple, expiresAt: null })));
      }
    }
    this.clock.set(AT);
    await this.spicedb.writeSchema(this.schema);
  }

  /** In the place of the SpiceDB there was comes one that has nothing but the schema. */
  async emptySpiceDb(): Promise<void> {
    this.spicedb.close();
    await this.server.stop();
    this.server = await startEmbeddedSpiceDb({ presharedKey: 'test' });
    this.spicedb = clientOf(this.server);
    await this.connectSpiceDb();
  }

  async stopSpiceDb(): Promise<void> {
    await this.server.stop();
  }

  context(): CommandContext {
    return {
      commandId: this.ids.uuid(),
      actor: { type: 'user', id: ADA },
      authentication: 'token',
      correlationId: this.ids.uuid(),
      causationId: null,
      at: this.clock.now().toISOString(),
      personal: { actorName: 'Ada', ip: '192.0.2.7', userAgent: 'spec' },
    };
  }

  async append(stream: string, events: readonly DomainEvent[], tenantId: string | null = TENANT): Promise<number> {
    const revision = (await this.log.readStream(stream)).at(-1)?.revision ?? NO_STREAM;
    return (await this.log.append(stream, revision, toAppend(stream, events, this.context(), tenantId))).position;
  }

  sample(data: Sampled['data'], tenantId: string | null = TENANT): Promise<number> {
    return this.append('sample', [{ type: 'sample-recorded.v1', data }], tenantId);
  }

  /** A tenant with a root and a child workspace, Ada its admin, Bob for a day. */
  async tenant(): Promise<void> {
    const at = AT;
    const workspace = { tenantId: TENANT, creatorId: null, at };
    await this.append(`workspaces-${TENANT}`, [
      { type: 'workspace-created.v1', data: { ...workspace, workspaceId: ROOT, name: 'Root', parentId: null } },
      { type: 'workspace-created.v1', data: { ...workspace, workspaceId: CHILD, name: 'Child', parentId: ROOT } },
    ]);
    const admin = { tenantId: TENANT, rootWorkspaceId: ROOT, replacesMember: false, at };
    await this.append(`tenant-${TENANT}`, [
      {
        type: 'tenant-created.v1',
        data: { tenantId: TENANT, name: 'Acme', rootWorkspaceId: ROOT, requestable: ['tenant:member'], at },
      },
      { type: 'tenant-admin-granted.v1', data: { ...admin, userId: ADA, source: 'creation', until: null } },
      { type: 'tenant-admin-granted.v1', data: { ...admin, userId: BOB, source: 'direct', until: inYears(1) } },
      {
        type: 'tenant-renamed.v1',
        data: { tenantId: TENANT, from: 'Acme', to: 'Acme Ltd', revision: 2, at: '2026-01-02T00:00:00.000Z' },
      },
    ]);
  }

  async newEvents(): Promise<StoredEvent[]> {
    const { rows } = await this.pool.query<{ position: number }>('select position from relay_checkpoint');
    return this.log.readAll(rows[0]?.position ?? BEFORE_START, 10_000);
  }

  /** Commits what is new in the log, but for what is left out. */
  async commit(includes: (event: StoredEvent) => boolean = () => true): Promise<void> {
    const events = (await this.newEvents()).filter(includes);
    if (events.length > 0) await this.batches.commit(events);
  }

  async deliver(): Promise<void> {
    this.delivery.reset();
    while (await this.delivery.deliverNext());
  }

  async relay(): Promise<void> {
    await this.commit();
    await this.deliver();
  }

  /** The same log, with something happening before it is read. */
  interrupted(before: () => Promise<void>): EventLog {
    const readAll: EventLog['readAll'] = async (after, limit) => {
      await before();
      return this.log.readAll(after, limit);
    };
    return Object.assign(Object.create(this.log) as EventLog, { readAll });
  }

  check(log = this.log): Promise<Report> {
    const { pool, spicedb, domain, clock } = this;
    return checkInvariants({ log, pool, spicedb, domain, clock, partition: 0, settleMs: 0 });
  }

  repair(spicedb = this.spicedb) {
    const { log, pool, domain, clock } = this;
    const context = this.context();
    return repairRelationships({ log, pool, spicedb, domain, clock, partition: 0, settleMs: 0, context });
  }

  async touch(tuple: string, expiresAt: string | null = null): Promise<void> {
    await this.write({ operation: 'touch', tuple, expiresAt });
  }

  async remove(tuple: string): Promise<void> {
    await this.write({ operation: 'delete', tuple, expiresAt: null });
  }

  /** Another mark in the place of the one that SpiceDB has; beside it where that is to stay. */
  async mark(place: string, { stays = false } = {}): Promise<void> {
    if (!stays) {
      for await (const page of this.spicedb.readAll('relay_mark')) {
        for (const { tuple } of page) await this.remove(tuple);
      }
    }
    await this.touch(`relay_mark:p0#position@relay_mark:${place}`);
  }

  private async write(update: Update): Promise<void> {
    await this.spicedb.write([update]);
  }

  private async connectSpiceDb(): Promise<void> {
    const { pool, spicedb } = this;
    await spicedb.writeSchema(this.schema);
    this.delivery = new Delivery({ pool, spicedb, partition: 0, maxUpdates: 900 });
  }
}

/** SpiceDB ends relationships by the real clock. */
export function inYears(years: number): string {
  return new Date(Date.now() + years * 365 * 86_400_000).toISOString();
}

/** Everything that was found, by the name of its check. */
export function findings({ checks }: Report): Record<string, Difference[]> {
  return Object.fromEntries(checks.filter(({ ok }) => !ok).map(({ name, differences }) => [name, differences]));
}

function clientOf({ privateEndpoint, privateKey }: EmbeddedSpiceDb): SpiceDb {
  return new SpiceDb({ endpoint: privateEndpoint, presharedKey: privateKey, tls: false });
}
