import type { Pool, PoolClient } from 'pg';
import { type AuditMap } from '../../libs/audit-log/index.js';
import { type DomainEvent, type StoredEvent } from '../../libs/event-store/index.js';
import type { RelationshipMap } from '../../libs/outbox/index.js';
import { openPool, systemIds } from '../../libs/platform/index.js';
import { Domain, noun, readModel, type RowChange } from '../../libs/projections/index.js';
import { anEvent, someMetadata } from '../../libs/testing/event-builders.js';
import { createTestDatabase, type TestDatabase } from '../../libs/testing/test-database.js';
import { CommitBatch, type CommitBatchOptions, isTransient } from './commit-batch.js';
import { LeaseLost } from './lease.js';

type Noted = DomainEvent<'noted.v1', { id: string; poison?: 'row' | 'sql' | 'relationship' | 'audit' }>;

const relationships: RelationshipMap<Noted> = {
  'noted.v1': ({ data: { id, poison } }) => {
    if (poison === 'relationship') throw new Error('no relationship comes of this');
    return [{ want: { resource: 'workspace:W', relation: 'editor', subject: `user:${id}` }, source: 'direct' }];
  },
};
const audit: AuditMap<Noted> = {
  'noted.v1': ({ data: { id, poison } }) => {
    if (poison === 'audit') throw new Error('nobody can render this');
    return { action: 'note.noted', resource: { type: 'note', id } };
  },
};
const changes = {
  'noted.v1': ({ data: { id, poison } }: { data: Noted['data'] }): RowChange[] => {
    if (poison === 'row') throw new Error('no row comes of this');
    return [{ table: 'note', put: { id, size: poison === 'sql' ? 'large' : 1 } }];
  },
};
const domain = new Domain([
  {
    nouns: [noun<Noted>({ name: 'notes', types: { 'noted.v1': 'Something was noted.' }, relationships, audit })],
    readModels: [
      readModel({
        name: 'notes',
        version: 1,
        tables: [{ name: 'note', key: ['id'], columns: { id: 'text', size: 'integer' } }],
        changes,
      }),
    ],
    processes: [],
  },
]);

let database: TestDatabase;
let pool: Pool;
let position: number;
let parked: string[];

beforeAll(async () => {
  database = await createTestDatabase();
  pool = openPool({ url: database.url, applicationName: 'commit-batch' });
  await pool.query('create table note (id text primary key, size integer)');
});

afterAll(async () => {
  await pool?.end();
  await database?.drop();
});

beforeEach(async () => {
  await pool.query('truncate note, audit_entry, parked, relay_checkpoint, relationship_source, relationship_change');
  position = 0;
  parked = [];
});

const noted = (id: string, poison?: Noted['data']['poison'], change: Partial<StoredEvent> = {}): StoredEvent => ({
  ...anEvent({ type: 'noted.v1', data: { id, ...(poison && { poison }) }, metadata: someMetadata() }),
  ...{ stream: 's', revision: position, position: position++, ...change },
});
const batches = (change: Partial<CommitBatchOptions> = {}): CommitBatch =>
  new CommitBatch({
    ...{ pool, domain, partition: 0, incarnation: 'i', hold: async () => undefined },
    onParked: ({ data }) => void parked.push(data['id'] as string),
    ...change,
  });

const ids = async (query: string): Promise<string[]> =>
  (await pool.query<{ id: string }>(query)).rows.map(({ id }) => id);
const notes = (): Promise<string[]> => ids('select id from note order by id');
const wanted = (): Promise<string[]> =>
  ids(`select split_part(subject, ':', 2) as id from relationship_source order by 1`);
const audited = (): Promise<string[]> =>
  ids(`select event::jsonb -> 'data' ->> 'id' as id from audit_entry order by sequence`);
const checkpoint = async (): Promise<unknown> =>
  (await pool.query('select position, event_id from relay_checkpoint')).rows[0];

describe('a batch', () => {
  it('P3 is committed with its audit entries, rows, relationships and checkpoint, or not at all', async () => {
    const events = [noted('a'), noted('b'), noted('c')];
    const failing = batches({
      at: (point) => {
        if (point === 'in-transaction') throw Object.assign(new Error('the database is away'), { code: '08006' });
      },
    });
    await expect(failing.commit(events)).rejects.toThrow('away');
    expect([await notes(), await wanted(), await audited(), await checkpoint()]).toEqual([[], [], [], undefined]);
    await batches().commit(events);
    for (const seen of [await notes(), await wanted(), await audited()]) expect(seen).toEqual(['a', 'b', 'c']);
    expect(await checkpoint()).toEqual({ position: 2, event_id: events[2]!.id });
  });

  it('TW-110 whose commit was not heard of is not applied twice', async () => {
    const events = [noted('a'), noted('b')];
    const at = (point: string): void => {
      if (point === 'after-commit') throw new Error('the answer was lost');
    };
    await expect(batches({ at }).commit(events)).rejects.toThrow('lost');
    await batches().commit([...events, noted('c')]);
    expect(await audited()).toEqual(['a', 'b', 'c']);
    expect((await pool.query('select 1 from relationship_change')).rows).toHaveLength(3);
    expect(parked).toEqual([]);
  });

  it('is refused as a whole to who is not the relay any more', async () => {
    const lost = batches({ hold: () => Promise.reject(new LeaseLost('gone')) });
    await expect(lost.commit([noted('a'), noted('b')])).rejects.toThrow(LeaseLost);
    expect([await notes(), await audited(), await checkpoint(), parked]).toEqual([[], [], undefined, []]);
  });

  it('is told once it is committed', async () => {
    const client = await pool.connect();
    const told: string[] = [];
    client.on('notification', ({ payload }) => told.push(payload ?? ''));
    await client.query('listen relay_progress');
    await batches().commit([noted('a'), noted('b')]);
    await client.query('select 1');
    client.release(true);
    expect(told.map((payload) => JSON.parse(payload) as unknown)).toEqual([{ partition: 0, projected: 1 }]);
  });
});

describe('P8 an event that can’t be applied', () => {
  it.each(['row', 'sql', 'relationship'] as const)('stops only itself: %s', async (poison) => {
    const events = [noted('a'), noted('b'), noted('bad', poison), noted('c'), noted('d')];
    await batches().commit(events);
    expect(await notes()).toEqual(['a', 'b', 'c', 'd']);
    expect(await wanted()).toEqual(['a', 'b', 'c', 'd']);
    expect(await audited()).toEqual(['a', 'b', 'bad', 'c', 'd']);
    expect(parked).toEqual(['bad']);
    expect((await pool.query('select * from parked')).rows).toEqual([
      expect.objectContaining({
        ...{ id: events[2]!.id, event_id: events[2]!.id, event_type: 'noted.v1', position: 2, tuple: null },
        ...{ stage: 'event', status: 'parked', correlation_id: events[2]!.metadata.correlationId },
      }),
    ]);
    expect(await checkpoint()).toMatchObject({ position: 4 });
  });

  it('TW-109 as its type is not known is parked at once, with an audit entry', async () => {
    await batches().commit([noted('a'), noted('bad', undefined, { type: 'forgotten.v9' }), noted('c')]);
    expect(await notes()).toEqual(['a', 'c']);
    expect(await audited()).toEqual(['a', 'bad', 'c']);
    expect((await pool.query('select error from parked')).rows).toEqual([
      { error: expect.stringContaining('forgotten.v9') },
    ]);
  });

  it('has an audit entry though even that can’t be rendered', async () => {
    await batches().commit([noted('a'), noted('bad', 'audit'), noted('c')]);
    expect(await audited()).toEqual(['a', 'bad', 'c']);
    expect(await notes()).toEqual(['a', 'bad', 'c']);
  });

  it('may be many of many', async () => {
    const events = Array.from({ length: 64 }, (_, i) =>
      noted(`n${String(i).padStart(2, '0')}`, i % 5 === 2 ? 'sql' : undefined),
    );
    await batches().commit(events);
    expect(await audited()).toHaveLength(64);
    expect(await notes()).toHaveLength(51);
    expect(parked).toHaveLength(13);
  });

  it('is parked once, also where it is committed again', async () => {
    const bad = noted('bad', 'row');
    await batches().commit([bad]);
    await batches().commit([bad, noted('a')]);
    expect((await pool.query('select 1 from parked')).rows).toHaveLength(1);
    expect(await audited()).toEqual(['bad', 'a']);
  });
});

describe('trouble that passes', () => {
  it.each([
    ['a connection that broke', { code: '08006' }],
    ['a deadlock', { code: '40P01' }],
    ['a statement that took too long', { code: '57014' }],
    ['a full disk', { code: '53100' }],
    ['a session that was ended', { code: '25P03' }],
    ['a socket that was reset', { code: 'ECONNRESET' }],
  ])('parks nothing: %s', async (_what, fault) => {
    const error = Object.assign(new Error('trouble'), fault);
    expect(isTransient(error)).toBe(true);
    const hold = (): Promise<never> => Promise.reject(error);
    await expect(batches({ hold }).commit([noted('a'), noted('b')])).rejects.toBe(error);
    expect(parked).toEqual([]);
  });

  it('is no event where a table is away, or is not this role’s: all wait until it is there', async () => {
    const events = [noted('a'), noted('b')];
    await pool.query('create role commit_batch_stranger');
    const asStranger = async (client: PoolClient) => void (await client.query('set local role commit_batch_stranger'));
    await expect(batches({ hold: asStranger }).commit(events)).rejects.toMatchObject({ code: '42501' });
    await pool.query('drop role commit_batch_stranger; alter table note rename to note_away');
    await expect(batches().commit(events)).rejects.toMatchObject({ code: '42P01' });
    await pool.query('alter table note_away rename to note');
    expect([parked, await audited()]).toEqual([[], []]);
    await batches().commit(events);
    expect([parked, await notes()]).toEqual([[], ['a', 'b']]);
  });

  it('is none of: a value that does not fit, a mistake in the code', () => {
    expect(isTransient(Object.assign(new Error('x'), { code: '22P02' }))).toBe(false);
    expect(isTransient(new TypeError('x'))).toBe(false);
  });
});

it('events without a tenant stand in the chain of the system', async () => {
  await batches().commit([
    noted('a', undefined, { id: systemIds.uuid(), metadata: someMetadata({ tenantId: null }) }),
    noted('b'),
  ]);
  expect((await pool.query('select chain, sequence from audit_entry order by position')).rows).toEqual([
    { chain: 'system', sequence: 1 },
    { chain: expect.stringMatching(/^01/), sequence: 1 },
  ]);
});
