import type { Pool, PoolClient } from 'pg';
import {
  BEFORE_START,
  type DomainEvent,
  type EventLog,
  EventRegistry,
  openEventLog,
  type Recorded,
  type StoredEvent,
} from '../event-store/index.js';
import { foldRelationships, type SourceChange } from '../outbox/index.js';
import { deterministicIds, inTransaction, openPool } from '../platform/index.js';
import { anEvent } from '../testing/event-builders.js';
import { createTestDatabase, type TestDatabase } from '../testing/index.js';
import { Projector } from './projector.js';
import { readModel, type ReadModel } from './read-model.js';
import { replay, type ReplayOptions } from './replay.js';

const AT = '2026-01-01T00:00:00.000Z';

type ThingMade = DomainEvent<'thing-made.v1', { id: string; box: string; name: string }>;
type ThingNamed = DomainEvent<'thing-named.v1', { id: string; name: string }>;
type ThingRemoved = DomainEvent<'thing-removed.v1', { id: string }>;
type BoxEmptied = DomainEvent<'box-emptied.v1', { box: string }>;
export type ThingEvent = ThingMade | ThingNamed | ThingRemoved | BoxEmptied;

/** No model can fold a thing with this name, but for one that is forgiving. */
export const POISON = 'poison';

const things = (forgiving: boolean): ReadModel =>
  readModel({
    name: 'things',
    version: 1,
    tables: [
      {
        name: 'thing',
        key: ['id'],
        columns: { id: 'text', box: 'text', name: 'text', names: 'jsonb', at: 'timestamptz', place: 'bigint' },
      },
    ],
    changes: {
      'thing-made.v1': ({ data: { id, box, name }, position }: Recorded<ThingMade>) => {
        if (name === POISON && !forgiving) throw new Error('nobody can fold this');
        return [{ table: 'thing', put: { id, box, name, names: [name, { name }], at: AT, place: position } }];
      },
      'thing-named.v1': ({ data: { id, name } }: Recorded<ThingNamed>) => [
        { table: 'thing', key: { id }, patch: { name, names: [name], at: null } },
      ],
      'thing-removed.v1': ({ data: { id } }: Recorded<ThingRemoved>) => [{ table: 'thing', remove: { id } }],
      'box-emptied.v1': ({ data: { box } }: Recorded<BoxEmptied>) => [{ table: 'thing', removeWhere: { box } }],
    },
  });

const boxes = readModel({
  name: 'boxes',
  version: 1,
  tables: [{ name: 'box', key: ['box', 'id'], columns: { box: 'text', id: 'text' } }],
  changes: {
    'thing-made.v1': ({ data: { id, box } }: Recorded<ThingMade>) => [{ table: 'box', put: { box, id } }],
  },
});

const held = (box: string, id: string) => ({ resource: `box:${box}`, relation: 'holds', subject: `thing:${id}` });

const relationships =
  (forgiving: boolean) =>
  (recorded: Recorded): readonly SourceChange[] => {
    const { type, data } = recorded as Recorded<ThingEvent>;
    if (type === 'thing-removed.v1') return [{ endObject: `thing:${data.id}` }];
    if (type === 'box-emptied.v1') return [{ endObject: `box:${data.box}` }];
    if (type === 'thing-named.v1') return [{ closeTenant: data.id }];
    if (data.name === POISON && !forgiving) throw new Error('nobody can map this');
    return [{ want: held(data.box, data.id), source: `made:${recorded.position}`, until: AT }];
  };

const TABLES = `
  create table thing (
    id text primary key, box text not null, name text, names jsonb, at timestamptz default now(), place bigint,
    constraint thing_place unique (place));
  create index thing_by_box on thing (box, id desc);
  create index thing_by_name on thing (lower(name)) where at is not null;
  create table box (box text, id text, constraint box_key primary key (box, id));
  create role %; grant select on thing to %`;

/** An event log, two read models, and what the relay does with them, one step at a time. */
export class ReplayWorld {
  models: readonly ReadModel[] = [things(false), boxes];
  relationships = relationships(false);
  readonly registry = new EventRegistry([
    {
      name: 'things',
      types: { 'thing-made.v1': '', 'thing-named.v1': '', 'thing-removed.v1': '', 'box-emptied.v1': '' },
    },
  ]);
  readonly pool: Pool;
  private readonly ids = deterministicIds('things');
  private readonly numbers: () => number;
  private made = 0;

  private constructor(
    readonly url: string,
    readonly log: EventLog,
    private readonly database: TestDatabase | undefined,
    seed: number,
  ) {
    this.pool = openPool({ url, applicationName: 'spec' });
    this.numbers = numbersFrom(seed);
  }

  static async start(seed = 1): Promise<ReplayWorld> {
    const database = await createTestDatabase();
    const { url } = database;
    const world = new ReplayWorld(url, await openEventLog({ databaseUrl: url }), database, seed);
    await world.pool.query(TABLES.replaceAll('%', world.reader));
    return world;
  }

  /** One that another process has started. */
  static async connect(url: string): Promise<ReplayWorld> {
    return new ReplayWorld(url, await openEventLog({ databaseUrl: url }), undefined, 1);
  }

  async stop(): Promise<void> {
    await this.log.close();
    await this.pool.query(`drop owned by ${this.reader}; drop role ${this.reader}`);
    await this.pool.end();
    await this.database?.drop();
  }

  get reader(): string {
    return `reader_of_${new URL(this.url).pathname.slice(1)}`;
  }

  /** Appends that many events of all kinds, of things that exist and of some that do not. */
  async happen(count: number): Promise<void> {
    await this.append(Array.from({ length: count }, () => this.anything()));
  }

  async append(events: readonly DomainEvent[]): Promise<void> {
    const toStore = events.map(({ type, data }) => anEvent({ id: this.ids.uuid(), type, data: { ...data } }));
    for (let start = 0; start < toStore.length; start += 500) {
      await this.log.append(`things-${this.ids.uuid()}`, -1, toStore.slice(start, start + 500));
    }
  }

  /** Commits everything new as the relay does; what can't be committed is parked. */
  async live(batch = 100): Promise<void> {
    for (;;) {
      const events = await this.log.readAll(await this.checkpoint(), batch);
      if (events.length === 0) return;
      await this.commit(events).catch(async () => {
        for (const event of events) await this.commit([event]).catch(() => this.park(event));
      });
    }
  }

  /** Runs the version of the code that folds poison, too. */
  upgrade(): void {
    this.models = [things(true), boxes];
    this.relationships = relationships(true);
  }

  replay(options: Partial<ReplayOptions> = {}) {
    const { pool, log, registry, models } = this;
    return replay({ pool, log, registry, models, batchSize: 100, ...options });
  }

  replayAll(options: Partial<ReplayOptions> = {}) {
    return this.replay({ relationships: this.relationships, ...options });
  }

  /** Who wants which relationship, and what is to be delivered. */
  async wanted(): Promise<unknown[]> {
    const { rows } = await this.pool.query(
      `select (select json_agg(s order by tuple, source) from relationship_source s) as sources,
              (select json_agg(tenant_id order by 1) from closed_tenant) as closed,
              (select json_agg(subject order by 1) from suspended_subject) as suspended,
              (select json_agg(c order by position, sequence) from relationship_change c) as changes`,
    );
    return rows;
  }

  async rows(): Promise<unknown[]> {
    const { rows } = await this.pool.query(
      `select (select json_agg(t order by id) from thing t) as things, (select json_agg(b order by box, id) from box b) as boxes`,
    );
    return rows;
  }

  async checkpoint(): Promise<number> {
    const { rows } = await this.pool.query<{ position: number }>('select position from relay_checkpoint');
    return rows[0]?.position ?? BEFORE_START;
  }

  /** Has the trail end at an event, as the relay would have written it. */
  async onTrail(position: number): Promise<void> {
    await this.pool.query(
      `insert into audit_entry (chain, sequence, position, event_id, action, resource_type, resource_id, actor_type,
         actor_id, at, correlation_id, command_id, event, hash)
       values ('system', 1, $1, gen_random_uuid(), '', '', '', '', '', now(), '', '', '', '')`,
      [position],
    );
  }

  /** Everything about the tables and what is beside them, by name. */
  async shape(): Promise<unknown[]> {
    const { rows } = await this.pool.query(
      `select relname, relkind, pg_get_indexdef(oid) as definition, relacl::text from pg_class
       where relname ~ '^(thing|box|relationship_source|closed_tenant|suspended_subject)' and relname !~ '__next$' and relnamespace = 'public'::regnamespace
       union all
       select conname, contype, pg_get_constraintdef(oid), conrelid::regclass::text from pg_constraint
       where conrelid = any($1::regclass[])
       union all
       select attname, 'a', format('%s %s %s', attnum, atttypid::regtype, attnotnull), pg_get_expr(adbin, adrelid)
       from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum
       where attrelid = any($1::regclass[]) and attnum > 0
       order by 1, 2, 3, 4`,
      [['thing', 'box', 'relationship_source', 'closed_tenant', 'suspended_subject']],
    );
    return rows;
  }

  private async commit(events: readonly StoredEvent[]): Promise<void> {
    const { pool, registry, models } = this;
    await inTransaction(pool, async (client) => {
      await client.query('select 1 from relay_checkpoint for update');
      const decoded = events.map((event) => registry.decode(event));
      await new Projector(models).project(client, decoded);
      await foldRelationships(client, 0, decoded, this.relationships);
      await this.moveCheckpoint(client, events.at(-1)!);
    });
  }

  private async park(event: StoredEvent): Promise<void> {
    await inTransaction(this.pool, async (client) => {
      await client.query(
        `insert into parked (id, partition, position, event_id, event_type, stage, error) values ($1, 0, $2, $4, $3, 'event', '')`,
        [event.id, event.position, event.type, event.id],
      );
      await this.moveCheckpoint(client, event);
    });
  }

  private async moveCheckpoint(client: PoolClient, { position, id }: StoredEvent): Promise<void> {
    await client.query(
      `insert into relay_checkpoint (partition, incarnation, position, event_id) values (0, $1, $2, $3)
       on conflict (partition) do update set position = excluded.position, event_id = excluded.event_id`,
      [await this.log.incarnation(), position, id],
    );
  }

  private anything(): ThingEvent {
    const [kind, any, name] = [this.numbers(), this.numbers(), this.numbers()];
    const id = `T${Math.floor(any * (this.made + 1))}`;
    const box = `B${Math.floor(name * 30)}`;
    if (kind < 0.6) return { type: 'thing-made.v1', data: { id: `T${this.made++}`, box, name: `\t"\\${name}\n` } };
    if (kind < 0.65) return { type: 'thing-made.v1', data: { id, box, name: 'again' } };
    if (kind < 0.8) return { type: 'thing-named.v1', data: { id, name: `name ${name}` } };
    return kind < 0.99 ? { type: 'thing-removed.v1', data: { id } } : { type: 'box-emptied.v1', data: { box } };
  }
}

/** The same numbers from 0 to 1 for the same seed. */
function numbersFrom(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}
