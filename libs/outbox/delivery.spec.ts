import { readFile } from 'node:fs/promises';
import type { Pool } from 'pg';
import { SpiceDb, SpiceDbUnavailable, type Update } from '../authorization/index.js';
import { type EmbeddedSpiceDb, projectPath, startEmbeddedSpiceDb } from '../embedded/index.js';
import { openPool, systemIds } from '../platform/index.js';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.js';
import { Delivery, type DeliveryOptions, RelationshipsAhead, RelationshipsLost } from './delivery.js';
import { type Mark, readMark, writeUnderMark } from './relay-mark.js';

let database: TestDatabase;
let embedded: EmbeddedSpiceDb;
let pool: Pool;
let spicedb: SpiceDb;
/** Each test has a mark of its own. */
let partition = 0;
let parked: number[];

beforeAll(async () => {
  [database, embedded] = await Promise.all([
    createTestDatabase(),
    startEmbeddedSpiceDb({ presharedKey: 'a-key-for-tests' }),
  ]);
  pool = openPool({ url: database.url, applicationName: 'delivery' });
  spicedb = new SpiceDb({ endpoint: embedded.privateEndpoint, presharedKey: embedded.privateKey, tls: false });
  await spicedb.writeSchema(await readFile(projectPath('schema.zed'), 'utf8'));
});

afterAll(async () => {
  spicedb?.close();
  await embedded?.stop();
  await pool?.end();
  await database?.drop();
});

beforeEach(() => {
  partition++;
  parked = [];
});

/** What was sent to SpiceDB. */
let writes = 0;

type Change = `${'+' | '-'}${string}`;
/** `workspace:{test}{name}#editor@user:U` */
const tuple = (name: string): string => `workspace:t${partition}${name}#editor@user:U`;
const toTuple = (name: string): string => (name.includes('#') ? name : tuple(name));

function delivery(change: Partial<DeliveryOptions> = {}): Delivery {
  const onParked = (tuples: number): void => void parked.push(tuples);
  const around = <T>(_range: object, write: () => Promise<T>): Promise<T> => (writes++, write());
  return new Delivery({ pool, spicedb, partition, maxUpdates: 4, onParked, around, ...change });
}

/** Appends the changes of an event to the outbox, and moves the checkpoint. */
async function changed(position: number, ...changes: Change[]): Promise<void> {
  for (const [sequence, change] of changes.entries()) {
    const operation = change.startsWith('+') ? 'touch' : 'delete';
    await pool.query('insert into relationship_change values ($1, $2, $3, $4, $5, $6)', [
      ...[partition, position, sequence, systemIds.uuid(), toTuple(change.slice(1)), operation],
    ]);
  }
  await pool.query(
    `insert into relay_checkpoint (partition, incarnation, position) values ($1, 'i', $2)
     on conflict (partition) do update set position = excluded.position`,
    [partition, position],
  );
}

async function deliverAll(by = delivery()): Promise<number> {
  const before = writes;
  while (await by.deliverNext());
  return writes - before;
}

/** The names of this test's tuples in SpiceDB. */
async function there(): Promise<string[]> {
  const found: string[] = [];
  for await (const page of spicedb.readAll('workspace')) found.push(...page.map((relationship) => relationship.tuple));
  const own = new RegExp(`^workspace:t${partition}([a-z]\\w*)#editor@user:U$`);
  return found.flatMap((text) => own.exec(text)?.[1] ?? []).sort();
}
async function delivered() {
  const { rows } = await pool.query<{ position: number; zed_token: string | null }>(
    'select position, zed_token from delivery_mark where partition = $1',
    [partition],
  );
  return rows[0];
}
const outbox = async (): Promise<number> =>
  (await pool.query('select 1 from relationship_change where partition = $1', [partition])).rows.length;
/** SpiceDB, with something else in the place of its writes. */
function withWrite(write: SpiceDb['write']): SpiceDb {
  return new Proxy(spicedb, {
    get: (target, name) => {
      const member: unknown = name === 'write' ? write : Reflect.get(target, name);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}
/** Holds the first caller until it is let go. */
function hold() {
  let letGo!: () => void;
  let arrived!: () => void;
  const reached = new Promise<void>((resolve) => (arrived = resolve));
  const gate = new Promise<void>((resolve) => (letGo = resolve));
  let first = true;
  const at = (point: string): Promise<void> | undefined => {
    if (point !== 'before-delivery' || !first) return undefined;
    first = false;
    arrived();
    return gate;
  };
  return { at, reached, letGo };
}

describe('delivering', () => {
  it('writes whole events under the mark, and notes how far it is', async () => {
    await changed(0, '+a', '+b');
    await changed(2, '+c');
    await changed(5, '-a', '+d');
    expect(await deliverAll()).toBe(1);
    expect(await there()).toEqual(['b', 'c', 'd']);
    expect(await readMark(spicedb, partition)).toMatchObject({ position: 5, piece: 0 });
    expect(await delivered()).toEqual({ position: 5, zed_token: expect.any(String) });
    expect(await outbox()).toBe(0);
    await changed(9);
    expect(await deliverAll()).toBe(0);
    expect(await delivered()).toMatchObject({ position: 9 });
  });

  it('notes with the last write that what follows without changes is delivered, too, but not what comes meanwhile', async () => {
    await changed(0, '+a');
    await changed(3);
    const at = async (point: string): Promise<void> => {
      if (point === 'after-delivery') await changed(7, '+b');
    };
    expect(await delivery({ at }).deliverNext()).toBe(false);
    expect(await delivered()).toMatchObject({ position: 3 });
    expect(await readMark(spicedb, partition)).toMatchObject({ position: 0 });
    expect(await outbox()).toBe(1);
    expect(await deliverAll()).toBe(1);
    expect(await delivered()).toMatchObject({ position: 7 });
    expect(await there()).toEqual(['a', 'b']);
  });

  it('makes an event of more than 900 changes in pieces, in whatever number of attempts', async () => {
    const names = Array.from({ length: 2_000 }, (_, i): Change => `+x${String(i).padStart(4, '0')}`);
    await pool.query(
      `insert into relationship_change select $1, 3, row_number() over (), $2, t, 'touch' from unnest($3::text[]) t`,
      [partition, systemIds.uuid(), names.map((name) => tuple(name.slice(1)))],
    );
    await changed(3);
    await changed(4, '+y');
    expect(await delivery({ maxUpdates: 900 }).deliverNext()).toBe(true);
    expect(await readMark(spicedb, partition)).toMatchObject({ position: -1, piece: 900 });
    expect(await delivered()).toMatchObject({ position: -1 });
    expect(await there()).toHaveLength(900);
    expect(await deliverAll(delivery({ maxUpdates: 900 }))).toBe(3);
    expect(await there()).toHaveLength(2_001);
    expect(await delivered()).toMatchObject({ position: 4 });
  });

  it('TW-112 keeps the order of one tuple’s changes, across writes', async () => {
    await changed(0, '+a', '+b', '+c', '+d');
    await changed(1, '-a', '+e', '+f', '+g');
    await changed(2, '+a', '-a', '+h');
    await deliverAll();
    expect(await there()).toEqual(['b', 'c', 'd', 'e', 'f', 'g', 'h']);
  });
});

describe('a write that fails', () => {
  it('TW-107 for want of SpiceDB leaves all as it was, to be tried again', async () => {
    await changed(0, '+a');
    const unavailable = withWrite(() => Promise.reject(new SpiceDbUnavailable('away')));
    await expect(deliverAll(delivery({ spicedb: unavailable }))).rejects.toThrow(SpiceDbUnavailable);
    expect(await outbox()).toBe(1);
    expect(parked).toEqual([]);
    await deliverAll();
    expect(await there()).toEqual(['a']);
  });

  it('TW-117 after SpiceDB has done it is not done again', async () => {
    await changed(0, '+a');
    await deliverAll();
    const writes: (readonly Update[])[] = [];
    const lossy = withWrite(async (...args) => {
      writes.push(args[0]);
      const token = await spicedb.write(...args);
      if (writes.length === 1) throw new SpiceDbUnavailable('the answer was lost');
      return token;
    });
    await changed(1, '-a', '+b');
    const unlucky = delivery({ spicedb: lossy });
    await expect(deliverAll(unlucky)).rejects.toThrow(SpiceDbUnavailable);
    expect(await delivered()).toMatchObject({ position: 0 });
    unlucky.reset();
    await changed(2, '-b', '+c');
    await deliverAll(unlucky);
    expect(writes[1]!.map((update) => update.tuple)).not.toContain(tuple('a'));
    expect(await there()).toEqual(['c']);
    expect(await delivered()).toMatchObject({ position: 2 });
  });

  it('TW-117 where it was done, and the process ended before it was noted', async () => {
    await changed(0, '+a', '+b');
    const at = (point: string): void => {
      if (point === 'after-delivery') throw new Error('killed');
    };
    await expect(deliverAll(delivery({ at }))).rejects.toThrow('killed');
    expect(await there()).toEqual(['a', 'b']);
    expect(await deliverAll()).toBe(0);
    expect(await delivered()).toMatchObject({ position: 0 });
  });
});

describe('P6 TW-111 another relay', () => {
  it('that took over is not written over by one that was paused', async () => {
    await changed(0, '+a');
    const held = hold();
    const paused = delivery({ at: held.at });
    const late = deliverAll(paused);
    await held.reached;
    await deliverAll();
    await changed(1, '-a', '+b');
    await deliverAll();
    held.letGo();
    await late;
    expect(await there()).toEqual(['b']);
    expect(await readMark(spicedb, partition)).toMatchObject({ position: 1, piece: 0 });
  });

  it('delivers beside one that does not know of it: each change once, in order', async () => {
    for (let position = 0; position < 30; position++) {
      await changed(position, position % 2 === 0 ? '+flip' : '-flip', `+n${position}`);
    }
    const started = delivery();
    await started.deliverNext();
    const both = [delivery({ maxUpdates: 2 }), delivery({ maxUpdates: 3 }), started];
    await Promise.all(both.map((one) => deliverAll(one)));
    expect(await there()).toEqual(Array.from({ length: 30 }, (_, i) => `n${i}`).sort());
    expect(await readMark(spicedb, partition)).toMatchObject({ position: 29, piece: 0 });
  });
});

describe('P8 what SpiceDB refuses for good', () => {
  let refused: Change;

  beforeEach(() => {
    refused = `+workspace:x${partition}#owner@user:U`;
  });

  it('is parked, event and tuple named; the rest of it and of the range goes through', async () => {
    await changed(0, '+a');
    await changed(1, '+b', '-a', refused, '+c');
    await changed(2, '+d');
    await deliverAll();
    expect(await there()).toEqual(['d']);
    expect(await delivered()).toMatchObject({ position: 2 });
    const { rows } = await pool.query('select * from parked where partition = $1 order by tuple', [partition]);
    expect(rows.map((row) => row.tuple)).toEqual([tuple('b'), tuple('c'), refused.slice(1)].sort());
    for (const row of rows) {
      expect(row).toMatchObject({
        position: 1,
        stage: 'delivery',
        status: 'parked',
        error: expect.stringMatching(/^touch refused/),
      });
    }
    expect(parked).toEqual([3]);
  });

  it('never holds back a removal, nor does one that is refused itself hold back others', async () => {
    await changed(0, '+a', '+b');
    await changed(1, '-a', `-${refused.slice(1)}`, '-b');
    await deliverAll();
    expect(await there()).toEqual([]);
    const { rows } = await pool.query('select tuple, error from parked where partition = $1', [partition]);
    expect(rows).toEqual([{ tuple: refused.slice(1), error: expect.stringMatching(/^delete refused/) }]);
  });

  it('is found among many events, and in several of them', async () => {
    for (let position = 0; position < 20; position++) {
      await changed(position, position % 7 === 3 ? refused : `+n${position}`);
    }
    await deliverAll(delivery({ maxUpdates: 100 }));
    expect(await there()).toHaveLength(17);
    const { rows } = await pool.query('select position from parked where partition = $1 order by 1', [partition]);
    expect(rows.map(({ position }) => position)).toEqual([3, 10, 17]);
  });

  it('is isolated under the mark: a relay that was paused over it removes nothing that came later', async () => {
    await changed(0, '+a', '+keep');
    await deliverAll();
    await changed(1, '-a', refused);
    let isolating = false;
    const held = hold();
    const slow = withWrite(async (updates, preconditions) => {
      if (isolating) await held.at('before-delivery');
      isolating = true;
      return spicedb.write(updates, preconditions);
    });
    const late = deliverAll(delivery({ spicedb: slow })).catch((error: Error) => error);
    await held.reached;
    await deliverAll();
    await changed(2, '+a');
    await deliverAll();
    held.letGo();
    await late;
    expect(await there()).toEqual(['a', 'keep']);
    expect(await readMark(spicedb, partition)).toMatchObject({ position: 2, piece: 0 });
  });
});

it('a SpiceDB without the mark it had is told from a new one', async () => {
  await changed(0, '+a');
  await deliverAll();
  await setMark();
  await changed(1, '+b');
  await expect(deliverAll()).rejects.toThrow(RelationshipsLost);
  expect(await outbox()).toBe(1);
});

describe('a SpiceDB that was restored', () => {
  it('to an earlier time is told by what was delivered to it since', async () => {
    await changed(0, '+a');
    await deliverAll();
    const running = delivery();
    const before = await readMark(spicedb, partition);
    await changed(1, '+b');
    await deliverAll(running);
    await setMark(before);
    await changed(2, '+c');
    for (const by of [running, delivery()]) {
      await expect(deliverAll(by)).rejects.toThrow(RelationshipsLost);
      expect(await there()).toEqual(['a', 'b']);
    }
    const { rows } = await pool.query('select doubt from delivery_mark where partition = $1', [partition]);
    expect(rows).toEqual([{ doubt: expect.stringMatching(/restored to an earlier time.*operator repair/) }]);
    await setMark({ position: 1, piece: 0 });
    await deliverAll(running);
    expect((await pool.query('select doubt from delivery_mark where partition = $1', [partition])).rows).toEqual([
      { doubt: null },
    ]);
  });

  it('or stayed, while the read side was, is delivered to only once that has caught up', async () => {
    await changed(4, '+a');
    await deliverAll();
    await pool.query('update relay_checkpoint set position = 2 where partition = $1', [partition]);
    await changed(1, '+late');
    await expect(deliverAll()).rejects.toThrow(RelationshipsAhead);
    expect(await outbox()).toBe(1);
    await changed(5, '+b');
    await deliverAll();
    expect(await there()).toEqual(['a', 'b']);
  });

  it('or belongs to another log is told by the event at the mark', async () => {
    await changed(0, '+a');
    await deliverAll();
    await changed(1, '+b');
    const asked: unknown[] = [];
    const hasEvent = async (mark: unknown): Promise<boolean> => {
      asked.push(mark);
      return false;
    };
    await expect(deliverAll(delivery({ hasEvent }))).rejects.toThrow(/does not have there/);
    expect(asked).toEqual([{ position: 0, piece: 0, eventId: expect.any(String) }]);
    expect(await there()).toEqual(['a']);
  });
});

/** Puts a mark in the place of the one that there is, or none. */
async function setMark(mark?: Mark): Promise<void> {
  for await (const page of spicedb.readAll('relay_mark', `p${partition}`)) {
    await spicedb.write(page.map(({ tuple: name }) => ({ operation: 'delete', tuple: name, expiresAt: null })));
  }
  if (mark) await writeUnderMark(spicedb, partition, { from: undefined, to: mark }, []);
}
