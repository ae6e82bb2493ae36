import { isSame } from './replay-comparison.js';
import { Pace } from './replay-pace.js';
import { ReplayWorld } from './replay.fixture.js';
import type { ReplayPoint, ReplayProgress } from './replay.js';

/** A replay and a relay on one clock: the relay moves by `rate` a millisecond whatever the replay does. */
function race({ rate, batch = 100, workMs = 10, lead = 10_000 }: Partial<Race> & { rate: (now: number) => number }) {
  const state = { now: 0, checkpoint: lead, position: 0, working: 0, pauses: [] as number[] };
  const pass = (ms: number): void => {
    state.checkpoint += rate(state.now) * ms;
    state.now += ms;
  };
  const pause = async (ms: number): Promise<void> => {
    state.pauses.push(ms);
    pass(ms);
  };
  const pace = new Pace({ now: () => state.now, pause });
  const run = async (batches: number): Promise<void> => {
    pace.begin();
    for (let done = 0; done < batches && state.position < state.checkpoint; done++) {
      await pace.rest();
      pass(workMs);
      state.position += batch;
      state.working += workMs;
      pace.look(state.position, Math.floor(state.checkpoint));
    }
  };
  return { state, run, pace };
}

interface Race {
  batch: number;
  workMs: number;
  lead: number;
}

describe('the pace of a replay', () => {
  it('is full while the relay stands still', async () => {
    const { state, run, pace } = race({ rate: () => 0 });
    await run(Infinity);
    expect(state.pauses).toEqual([]);
    expect(pace).toMatchObject({ resting: false, restedMs: 0 });
  });

  it('is an eighth while the relay moves', async () => {
    const { state, run, pace } = race({ rate: () => 0.05 });
    await run(Infinity);
    expect(new Set(state.pauses)).toEqual(new Set([70]));
    expect(pace).toMatchObject({ resting: true, restedMs: state.now - state.working });
    expect(state.working / state.now).toBeCloseTo(1 / 8, 2);
  });

  it('is full again when the relay has not moved for a second', async () => {
    const { state, run, pace } = race({ rate: (now) => (now < 500 ? 0.05 : 0), lead: 50_000 });
    await run(15);
    expect(pace.resting).toBe(true);
    await run(100);
    expect(pace.resting).toBe(false);
    expect(Math.max(...state.pauses)).toBe(70);
    const pauses = state.pauses.length;
    await run(Infinity);
    expect(state.pauses).toHaveLength(pauses);
  });

  it('rests a quarter of a second at most, however long a batch takes', async () => {
    const { state, run } = race({ rate: () => 0.05, workMs: 400, lead: 5_000 });
    await run(Infinity);
    expect(new Set(state.pauses)).toEqual(new Set([250]));
  });

  it('counts as work only what is between a rest and the next, not what else was done before', async () => {
    const { state, run } = race({ rate: () => 0.05 });
    await run(10);
    state.now += 60_000;
    await run(10);
    expect(Math.max(...state.pauses)).toBe(70);
  });

  it.each([0.1, 1, 2, 3, 4, 4.9, 5.1, 7, 9])(
    'comes to an end where the relay moves by %f events a ms',
    async (rate) => {
      const { state, run } = race({ rate: () => rate });
      await run(5_000);
      expect(state.position).toBeGreaterThanOrEqual(state.checkpoint);
    },
  );

  it('is wary until it knows whether the relay is at work, and as long as it is', async () => {
    const still = race({ rate: () => 0 });
    expect(still.pace.isWary).toBe(true);
    await still.run(4);
    expect(still.pace.isWary).toBe(false);
    const busy = race({ rate: () => 0.05 });
    await busy.run(10);
    expect(busy.pace.isWary).toBe(true);
  });

  it('rests after its last steps, too, where it has rested after batches', async () => {
    const [still, busy] = [race({ rate: () => 0 }), race({ rate: () => 0.05 })];
    for (const { state, run, pace } of [still, busy]) {
      await run(10);
      state.pauses.length = 0;
      pace.begin();
      state.now += 20;
      await pace.restAfterStep();
      state.now += 3_000;
      await pace.restAfterStep();
    }
    expect(still.state.pauses).toEqual([]);
    expect(busy.state.pauses).toEqual([140, 250]);
  });

  it('is full where it would gain too little otherwise', async () => {
    const { state, run } = race({ rate: () => 6 });
    await run(Infinity);
    expect(state.pauses).toEqual([]);
  });
});

/** Events after each batch and in each rest, until all but indexing is done; time goes on when it is asked for. */
function constantLoad(world: ReplayWorld) {
  let [time, folding] = [0, true];
  const lived = async (): Promise<void> => {
    if (!folding) return;
    await world.happen(20);
    await world.live();
  };
  const load = {
    pauses: 0,
    rested: [] as boolean[],
    timing: {
      now: () => ++time,
      pause: async (ms: number) => {
        load.pauses++;
        time += ms;
        await lived();
      },
    },
    onPoint: (point: ReplayPoint) => (point === 'after-batch' ? lived() : undefined),
    onProgress: ({ phase, resting }: ReplayProgress) => {
      folding = phase === 'folding';
      load.rested.push(resting);
    },
  };
  return load;
}

describe('a replay', () => {
  let world: ReplayWorld;
  beforeEach(async () => {
    world = await ReplayWorld.start();
  });
  afterEach(() => world.stop());

  it('rests while the relay is at work, and comes to its end under a load that does not', async () => {
    await world.happen(1_500);
    await world.live();
    const load = constantLoad(world);
    const report = await world.replay(load);
    expect(load.pauses).toBeGreaterThan(5);
    expect(load.rested).toContain(true);
    expect(report.restedSeconds).toBeGreaterThan(0);
    expect(report.events).toBeGreaterThan(1_700);
    expect(report.position).toBe(await world.checkpoint());
    expect(report.tables.map(isSame)).toEqual([true, true]);
  });

  it('does not rest while the relay is quiet, nor where that is not wanted', async () => {
    await world.happen(1_500);
    await world.live();
    const load = constantLoad(world);
    expect(await world.replay({ timing: load.timing })).toMatchObject({ events: 1_500, restedSeconds: 0 });
    expect(await world.replay({ ...load, fullSpeed: true })).toMatchObject({ restedSeconds: 0 });
    expect(load.pauses).toBe(0);
    expect(load.rested).not.toContain(true);
  });
});
