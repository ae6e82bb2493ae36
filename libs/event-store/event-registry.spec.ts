import type { Pool } from 'pg';
import { destroyKeys, SealBroken, SubjectKeyMissing, SubjectKeys } from '../personal-data/index.js';
import { inTransaction, openPool, parseWrappingKeys } from '../platform/index.js';
import { createTestDatabase, type TestDatabase } from '../testing/index.js';
import { anEvent, someMetadata } from '../testing/event-builders.js';
import type { DomainEvent } from './domain-event.js';
import type { EventToAppend, StoredEvent } from './event-log.js';
import { type EventFamily, EventRegistry } from './event-registry.js';

type Noted = DomainEvent<'noted.v2', { by: string }, { note: string; old?: boolean }>;
type Erased = DomainEvent<'erased.v1', { who: string }>;

const family: EventFamily<Noted | Erased> = {
  name: 'notes',
  types: { 'noted.v2': 'Somebody noted something.', 'erased.v1': 'Somebody is erased.' },
  subjects: { 'noted.v2': ({ data: { by } }) => `user:${by}` },
  erases: { 'erased.v1': ({ data: { who } }) => `user:${who}` },
  upcasters: {
    'noted.v1': ({ data, personal }) => ({ type: 'noted.v2', data, personal: { ...personal, old: true } }),
  },
};
const wrapping = parseWrappingKeys(`k:${Buffer.alloc(32, 'k').toString('base64')}`)!;
const families = [family as unknown as EventFamily];

let database: TestDatabase;
let pool: Pool;
let keys: SubjectKeys;
let registry: EventRegistry;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = openPool({ url: database.url, applicationName: 'spec' });
});
beforeEach(async () => {
  await pool.query('truncate subject_key');
  keys = new SubjectKeys(pool, wrapping);
  registry = new EventRegistry(families, keys);
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const actor = { type: 'user', id: 'ann' } as const;
const details = { actorName: 'Ann Clear', ip: '192.0.2.9', userAgent: 'clear/1' };
const noted = (by: string, note: string): EventToAppend =>
  anEvent({ type: 'noted.v2', data: { by }, personal: { note }, metadata: someMetadata({ actor, personal: details }) });

async function stored(...events: EventToAppend[]): Promise<StoredEvent[]> {
  const sealed = await registry.seal(events);
  return sealed.map((event, index) => ({ ...event, stream: 's', revision: index, position: index }));
}
const decoded = async (events: StoredEvent[]) => events.map(await registry.decoderOf(events));
const notesOf = async (events: StoredEvent[]) => (await decoded(events)).map(({ personal }) => personal);
const destroy = (subject: string) => inTransaction(pool, (client) => destroyKeys(client, [subject]));

describe('personal fields of events', () => {
  it('are stored sealed, those of the actor and those of the event by the key of each, and read in clear', async () => {
    const events = await stored(noted('bob', 'a clear note'));
    expect(events).toMatchObject([
      {
        personal: { sealed: 'v1', subject: 'user:bob' },
        metadata: { personal: { sealed: 'v1', subject: 'user:ann' } },
      },
    ]);
    expect(JSON.stringify(events)).not.toMatch(/lear|192\.0/);
    expect(await notesOf(events)).toEqual([{ note: 'a clear note' }]);
    expect(await registry.open(events)).toMatchObject([
      { personal: { note: 'a clear note' }, metadata: { personal: details } },
    ]);
  });

  it('of a process are those of whom it acts for', async () => {
    const onBehalfOf = { type: 'service_account', id: 'ci' } as const;
    const metadata = someMetadata({ actor: { type: 'process', id: 'p', onBehalfOf }, personal: { actorName: 'CI' } });
    const [event] = await stored(anEvent({ metadata }));
    expect(event).toMatchObject({ metadata: { personal: { subject: 'service_account:ci' } } });
  });

  it('that are empty or absent stay so, and need no key', async () => {
    const bare = anEvent({ type: 'noted.v2', data: { by: 'bob' }, personal: {} });
    expect(await stored(bare)).toMatchObject([bare]);
    expect((await stored(anEvent()))[0]).not.toHaveProperty('personal');
    expect((await keys.toOpen(['user:bob'])).size).toBe(0);
  });

  it('that were stored in clear are read as they are', async () => {
    const clear = { ...noted('bob', 'old'), stream: 's', revision: 0, position: 0 };
    expect(await notesOf([clear])).toEqual([{ note: 'old' }]);
    expect(await registry.open([clear])).toEqual([clear]);
  });

  it('of an old version are opened before it is upcast', async () => {
    const [event] = await stored(noted('bob', 'new'));
    const old = { ...event!, type: 'noted.v1' };
    expect(await decoded([old])).toMatchObject([{ type: 'noted.v2', personal: { note: 'new', old: true } }]);
    expect(new EventRegistry(families).decode(old)).toMatchObject({ type: 'noted.v2', data: { by: 'bob' } });
  });

  it('are not read without keys', async () => {
    const [event] = await stored(noted('bob', 'new'));
    expect(new EventRegistry(families).decode(event!)).not.toHaveProperty('personal');
  });

  it('say which key is missing, and only to whom reads them', async () => {
    const events = await stored(noted('bob', 'new'));
    await pool.query('truncate subject_key');
    registry = new EventRegistry(families, new SubjectKeys(pool, wrapping));
    const [event] = await decoded(events);
    expect(event!.data).toEqual({ by: 'bob' });
    expect(() => event!.personal).toThrow(SubjectKeyMissing);
    expect(() => event!.personal).toThrow('user:bob');
    expect(await registry.open(events)).toEqual(events);
  });

  it('of a lost key are absent once that is accepted; what was sealed since is read', async () => {
    const [before] = await stored(noted('bob', 'before'));
    await pool.query('truncate subject_key');
    keys.forgetAll();
    const [since] = await stored(noted('bob', 'since'));
    const found = (await decoded([before!, since!])).map((event) => () => event.personal);
    expect(found[0]).toThrow(SealBroken);
    await keys.replaceLost(['user:bob', 'user:ann']);
    const [after] = await stored(noted('bob', 'after'));
    expect(await notesOf([before!, since!, after!])).toEqual([undefined, { note: 'since' }, { note: 'after' }]);
    const opened = await registry.open([before!, since!]);
    expect(opened.map(({ metadata }) => metadata.personal)).toEqual([undefined, details]);
    await destroy('user:bob');
    await keys.replaceLost(['user:bob']);
    expect(await notesOf([since!, after!])).toEqual([undefined, undefined]);
  });

  it('of one event are not those of another', async () => {
    const [one, other] = await stored(noted('bob', 'one'), noted('bob', 'other'));
    const [event] = await decoded([{ ...one!, personal: other!.personal! }]);
    expect(() => event!.personal).toThrow(SealBroken);
  });
});

describe('the personal fields of whoever is erased', () => {
  it('are absent from what is read and from what is stored', async () => {
    const events = await stored(noted('bob', 'before'));
    await destroy('user:bob');
    keys.forgetAll();
    expect(await notesOf(events)).toEqual([undefined]);
    const [opened] = await registry.open(events);
    expect(opened).not.toHaveProperty('personal');
    expect(opened!.metadata.personal).toEqual(details);
    expect((await stored(noted('bob', 'after')))[0]).not.toHaveProperty('personal');
  });

  it('are absent from everything that is read together with the erasure, sealed or in clear', async () => {
    const erased = anEvent({ type: 'erased.v1', data: { who: 'bob' } });
    const events = await stored(noted('bob', 'before'), noted('ann', 'stays'), erased, noted('bob', 'after'));
    const clear = { ...noted('bob', 'in clear'), stream: 's', revision: 9, position: 9 };
    expect(await notesOf([...events, clear])).toEqual([undefined, { note: 'stays' }, undefined, undefined, undefined]);
    expect(await notesOf(events.slice(3))).toEqual([undefined]);
  });

  it('are those of the snapshot of a client that reads them', async () => {
    const events = await stored(noted('bob', 'before'));
    const notes = await inTransaction(
      pool,
      async (client) => {
        await client.query('select 1 from subject_key');
        await destroy('user:bob');
        keys.forget(['user:bob']);
        return events.map(await registry.decoderOf(events, client)).map(({ personal }) => personal);
      },
      'repeatable read',
    );
    expect(notes).toEqual([{ note: 'before' }]);
    expect(await notesOf(events)).toEqual([undefined]);
  });
});
