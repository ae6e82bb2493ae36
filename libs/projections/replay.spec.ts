import { LogRestored } from '../event-store/index.js';
import { runChildScript } from '../testing/child-script.js';
import { until } from '../testing/index.js';
import type { ReadModel } from './read-model.js';
import { POISON, ReplayWorld } from './replay.fixture.js';
import type { ReplayPoint, ReplayProgress } from './replay.js';
import { begunReplays } from './replay-claim.js';
import { isSame } from './replay-comparison.js';
import { ReplayRefused } from './replay-problems.js';
import { adoptVersions, outdatedModels } from './replay-versions.js';

let world: ReplayWorld;
beforeEach(async () => {
  world = await ReplayWorld.start();
});
afterEach(() => world.stop());

class Killed extends Error {}

/** Ends a replay the `nth` time it comes to a point. */
function killAt(point: ReplayPoint, nth = 1) {
  let left = nth;
  return (passed: ReplayPoint): void => {
    if (passed === point && --left === 0) throw new Killed(point);
  };
}

async function leftovers(): Promise<unknown[]> {
  const { rows } = await world.pool.query(
    `select relname from pg_class where relname like '%\\_\\_next' union all select model from replay_run`,
  );
  return rows;
}

describe('a replay', () => {
  it.each([2, 3, 4, 5])('gives the same rows as living through it (seed %i)', async (seed) => {
    await world.stop();
    world = await ReplayWorld.start(seed);
    await world.happen(1_500);
    await world.live();
    const before = await world.rows();
    const report = await world.replay({ batchSize: 70 * seed });
    expect(report).toMatchObject({ models: ['things', 'boxes'], position: 1_499, events: 1_500 });
    expect(report.tables.map(isSame)).toEqual([true, true]);
    expect(await world.rows()).toEqual(before);
    expect(await leftovers()).toEqual([]);
  });

  it('leaves tables, indexes, constraints, defaults and rights as they were, however often', async () => {
    await world.happen(300);
    await world.live();
    const before = await world.shape();
    for (let times = 0; times < 3; times++) await world.replayAll();
    expect(await world.shape()).toEqual(before);
  });

  it('puts right what differs, and says what did', async () => {
    await world.append([1, 2, 3].map((id) => ({ type: 'thing-made.v1', data: { id: `T${id}`, box: 'B', name: 'x' } })));
    await world.live();
    const before = await world.rows();
    await world.pool.query(`update thing set name = 'edited' where id = 'T1'; delete from thing where id = 'T2';
      insert into thing (id, box) values ('T9', 'B')`);
    const { tables } = await world.replay();
    expect(tables[0]).toEqual({
      table: 'thing',
      ...{ liveRows: 3, rebuiltRows: 3, onlyLive: 1, onlyRebuilt: 1, changed: 1 },
      examples: expect.arrayContaining([
        { key: { id: 'T1' }, difference: 'changed' },
        { key: { id: 'T2' }, difference: 'only-rebuilt' },
        { key: { id: 'T9' }, difference: 'only-live' },
      ]),
    });
    expect(isSame(tables[1]!)).toBe(true);
    expect(await world.rows()).toEqual(before);
  });

  it('goes on while events keep being committed, and misses none', async () => {
    await world.happen(1_000);
    await world.live();
    let rounds = 10;
    await world.replay({
      onPoint: async (point) => {
        if (point !== 'after-batch' || rounds-- <= 0) return;
        await world.happen(60);
        await world.live();
      },
    });
    expect(rounds).toBeLessThan(0);
    await world.happen(60);
    await world.live();
    const lived = await world.rows();
    const { tables, position } = await world.replay();
    expect(position).toBe(1_659);
    expect(tables.map(isSame)).toEqual([true, true]);
    expect(await world.rows()).toEqual(lived);
  });

  it('holds up the relay only for the switch, which takes in what is committed until then', async () => {
    await world.happen(500);
    await world.live();
    let committed: Promise<void> | undefined;
    const { position, tables } = await world.replay({
      onPoint: async (point) => {
        if (point === 'before-switch') {
          await world.happen(30);
          await world.live();
        }
        if (point === 'in-switch') {
          await world.happen(20);
          committed = world.live();
        }
      },
    });
    await committed;
    expect(position).toBe(529);
    expect(tables.map(isSame)).toEqual([true, true]);
    expect(await world.checkpoint()).toBe(549);
    expect((await world.replay()).tables.map(isSame)).toEqual([true, true]);
  });

  it('leaves out events that were parked, but for one that is to be retried', async () => {
    await world.happen(100);
    await world.append([{ type: 'thing-made.v1', data: { id: 'unlucky', box: 'B', name: POISON } }]);
    await world.append([{ type: 'thing-forgotten.v1', data: {} }]);
    await world.happen(100);
    await world.live();
    expect((await world.pool.query('select position from parked order by 1')).rows).toEqual([
      { position: 100 },
      { position: 101 },
    ]);
    world.upgrade();
    expect((await world.replay()).tables.map(isSame)).toEqual([true, true]);
    await world.pool.query(`update parked set status = 'retried'`);
    expect((await world.replay()).tables.map(({ onlyRebuilt }) => onlyRebuilt)).toEqual([1, 1]);
  });

  it('stops at an event it can not fold, names it, and goes on from there once it can', async () => {
    await world.happen(250);
    const strict = world.models;
    world.upgrade();
    await world.append([{ type: 'thing-made.v1', data: { id: 'unlucky', box: 'B', name: POISON } }]);
    await world.happen(250);
    await world.live();
    await expect(world.replay({ models: [strict[0]!, strict[1]!] })).rejects.toThrow(
      /thing-made\.v1 \(.+\) at position 250 can't be folded: nobody can fold this/,
    );
    const { events, tables } = await world.replay();
    expect(events).toBe(251);
    expect(tables.map(isSame)).toEqual([true, true]);
  });

  it('is refused while another one of the same model runs, and not while one of another does', async () => {
    await world.happen(300);
    await world.live();
    const [things, boxes] = world.models as [ReadModel, ReadModel];
    const refused: unknown[] = [];
    const report = await world.replay({
      models: [things],
      onPoint: async (point) => {
        if (point !== 'before-switch') return;
        expect(await begunReplays(world.pool)).toMatchObject([{ model: 'things', position: 299, running: true }]);
        refused.push(await world.replay({ models: [things] }).catch((error: unknown) => error));
        refused.push(await world.replay().catch((error: unknown) => error));
        expect(await world.replay({ models: [boxes] })).toMatchObject({ models: ['boxes'], events: 300 });
      },
    });
    expect(refused).toEqual([expect.any(ReplayRefused), expect.any(ReplayRefused)]);
    expect(report.tables.map(isSame)).toEqual([true]);
  });

  it('is refused where the log is not the one the rows were made of', async () => {
    await world.happen(50);
    await world.live();
    await world.pool.query(`update relay_checkpoint set event_id = gen_random_uuid()`);
    await expect(world.replay()).rejects.toThrow(LogRestored);
    await world.pool.query(`update relay_checkpoint set incarnation = 'another'`);
    await expect(world.replay()).rejects.toThrow('connect the database that belongs to this event store');
  });

  it('tells how far it is and how fast', async () => {
    await world.happen(450);
    await world.live();
    const told: ReplayProgress[] = [];
    await world.replay({ onProgress: (progress) => told.push(progress) });
    expect(told.filter(({ phase }) => phase === 'folding').map(({ position }) => position)).toEqual([
      99, 199, 299, 399, 449,
    ]);
    expect([...new Set(told.map(({ phase }) => phase))]).toEqual(['folding', 'indexing', 'comparing', 'switching']);
    expect(told.every(({ head, eventsPerSecond }) => head === 449 && eventsPerSecond > 0)).toBe(true);
  });

  it('of a log without events leaves the tables empty and notes the versions', async () => {
    expect(await world.replay()).toMatchObject({ events: 0, position: -1 });
    expect(await outdatedModels(world.pool, { readModels: world.models })).toEqual([]);
  });
});

describe('a replay of who wants which relationship', () => {
  it('gives the same as living through it, and has nothing delivered', async () => {
    await world.happen(900);
    await world.live();
    const before = await world.wanted();
    const { models, tables } = await world.replayAll();
    expect(models).toEqual(['things', 'boxes', 'relationships']);
    expect(tables.map(({ table }) => table)).toEqual([
      'thing',
      'box',
      'relationship_source',
      'suspended_subject',
      'closed_tenant',
    ]);
    expect(tables.map(isSame)).toEqual([true, true, true, true, true]);
    expect(tables[2]!.rebuiltRows).toBeGreaterThan(20);
    expect(await world.wanted()).toEqual(before);
    await world.happen(100);
    await world.live();
    expect((await world.replayAll()).tables.map(isSame)).toEqual([true, true, true, true, true]);
  });

  it('goes on after it was killed, and takes in events that are to be retried', async () => {
    await world.append([{ type: 'thing-made.v1', data: { id: 'unlucky', box: 'B', name: POISON } }]);
    await world.happen(500);
    await world.live();
    world.upgrade();
    await world.pool.query(`update parked set status = 'retried'`);
    for (const point of ['after-tables', 'in-batch', 'after-batch', 'in-switch'] as const) {
      const models: ReadModel[] = [];
      await expect(world.replayAll({ models, onPoint: killAt(point) })).rejects.toThrow(Killed);
    }
    const { tables } = await world.replayAll({ models: [] });
    expect(tables).toMatchObject([
      { onlyLive: 0, onlyRebuilt: 1, changed: 0, examples: [{ key: { source: 'made:0' } }] },
      { onlyLive: 0, onlyRebuilt: 0, changed: 0 },
      { onlyLive: 0, onlyRebuilt: 0, changed: 0 },
    ]);
    expect(await leftovers()).toEqual([]);
  });
});

describe('a replay that was killed', () => {
  it.each<[ReplayPoint, number]>([
    ['after-tables', 1],
    ['in-batch', 1],
    ['in-batch', 4],
    ['after-batch', 3],
    ['before-switch', 1],
    ['in-switch', 1],
  ])('%s (passage %i) leaves everything as it was, and the next one goes on', async (point, nth) => {
    await world.happen(620);
    await world.live();
    const before = [await world.rows(), await world.shape()];
    await expect(world.replay({ onPoint: killAt(point, nth) })).rejects.toThrow(Killed);
    expect([await world.rows(), await world.shape()]).toEqual(before);
    const [kept, ...others] = await begunReplays(world.pool);
    expect(others).toMatchObject([{ model: 'things', position: kept!.position, running: false }]);
    expect(kept).toMatchObject({ model: 'boxes', running: false });
    await world.happen(40);
    await world.live();
    const lived = await world.rows();
    const { events, tables } = await world.replay();
    expect(events).toBe(660 - 1 - kept!.position);
    expect(tables.map(isSame)).toEqual([true, true]);
    expect(await world.rows()).toEqual(lived);
    expect(await leftovers()).toEqual([]);
    expect(await world.shape()).toEqual(before[1]);
  });

  it('after the switch has nothing left to do', async () => {
    await world.happen(200);
    await world.live();
    await expect(world.replay({ onPoint: killAt('after-switch') })).rejects.toThrow(Killed);
    expect(await leftovers()).toEqual([]);
    expect(await outdatedModels(world.pool, { readModels: world.models })).toEqual([]);
  });

  it('one model at a time is gone on with together', async () => {
    await world.happen(620);
    await world.live();
    const [things, boxes] = world.models as [ReadModel, ReadModel];
    await expect(world.replay({ models: [boxes], onPoint: killAt('after-batch', 5) })).rejects.toThrow(Killed);
    await expect(world.replay({ models: [things], onPoint: killAt('after-batch', 2) })).rejects.toThrow(Killed);
    const { events, tables } = await world.replay();
    expect(events).toBe(420);
    expect(tables.map(isSame)).toEqual([true, true]);
  });

  it('begins anew with another version or other columns', async () => {
    await world.happen(300);
    await world.live();
    const [things, boxes] = world.models as [ReadModel, ReadModel];
    const kill = (models: ReadModel[]) =>
      expect(world.replay({ models, onPoint: killAt('before-switch') })).rejects.toThrow(Killed);
    await kill([things, boxes]);
    expect(await world.replay({ models: [{ ...things, version: 2 }] })).toMatchObject({ events: 300 });
    await world.pool.query('alter table box add column colour text');
    expect(await world.replay({ models: [boxes] })).toMatchObject({ events: 300 });
  });

  it('with kill -9 is gone on with by another process', async () => {
    await world.happen(2_000);
    await world.live();
    const before = await world.rows();
    const child = runChildScript(
      ['libs/projections/index.js', 'libs/projections/replay.fixture.js', 'libs/platform/index.js'],
      `const world = await m.ReplayWorld.connect(process.env.DATABASE);
       await world.replay({ onPoint: async (point) => {
         if (point === 'after-batch') process.stdout.write('batch\\n');
         await new Promise((resolve) => setTimeout(resolve, 5));
       } });`,
      { DATABASE: world.url },
    );
    for (let batches = 0; batches < 6; batches++) await child.nextLine();
    child.process.kill('SIGKILL');
    await child.exited;
    const { events, tables } = await until(() => world.replay());
    expect(events).toBeLessThan(1_500);
    expect(tables.map(isSame)).toEqual([true, true]);
    expect(await world.rows()).toEqual(before);
  });
});

describe('while a replay switches', () => {
  it('X-007 queries and prepared statements go on', async () => {
    await world.happen(400);
    await world.live();
    const before = await world.rows();
    let stopped = false;
    const counts = new Set<string>();
    let queries = 0;
    const ask = async (): Promise<void> => {
      const client = await world.pool.connect();
      while (!stopped) {
        const { rows } = await client.query({ name: 'all', text: 'select count(*)::text as n, max(place) from thing' });
        await client.query({ name: 'star', text: 'select * from thing where box = $1', values: ['B1'] });
        counts.add(JSON.stringify(rows));
        queries++;
      }
      client.release();
    };
    const asking = Promise.all([ask(), ask(), ask()]);
    for (let times = 0; times < 5; times++) await world.replay();
    stopped = true;
    await asking;
    expect(queries).toBeGreaterThan(20);
    expect(counts.size).toBe(1);
    expect(await world.rows()).toEqual(before);
  });

  it('it waits for a long query without making others wait behind it', async () => {
    await world.happen(100);
    await world.live();
    const reader = await world.pool.connect();
    await reader.query('begin; select count(*) from thing');
    let slowest = 0;
    let switched = false;
    const replaying = world.replay().then(() => (switched = true));
    for (let times = 0; times < 40; times++) {
      const from = performance.now();
      await world.pool.query('select count(*) from thing');
      slowest = Math.max(slowest, performance.now() - from);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    expect(switched).toBe(false);
    await reader.query('commit');
    reader.release();
    await replaying;
    expect(slowest).toBeLessThan(1_000);
  });
});

describe('the versions of read models', () => {
  it('are noted before the first event, and ask for a replay when the code has others', async () => {
    const [things, boxes] = world.models as [ReadModel, ReadModel];
    const readModels = [things, { ...boxes, version: 2 }];
    await adoptVersions(world.pool, { readModels: world.models });
    await world.happen(50);
    await world.live();
    expect(await outdatedModels(world.pool, { readModels: world.models })).toEqual([]);
    expect(await outdatedModels(world.pool, { readModels })).toEqual([{ model: 'boxes', stored: 1, wanted: 2 }]);
    await world.replay({ models: [readModels[1]!] });
    expect(await outdatedModels(world.pool, { readModels })).toEqual([]);
  });

  it('are not noted for a model that comes when there are events already', async () => {
    await world.happen(50);
    await world.live();
    await adoptVersions(world.pool, { readModels: world.models });
    expect(await outdatedModels(world.pool, { readModels: world.models })).toMatchObject([
      { model: 'things', stored: null },
      { model: 'boxes', stored: null },
    ]);
  });
});
