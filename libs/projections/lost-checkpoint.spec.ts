import { ReplayWorld } from './replay.fixture.js';
import type { ReplayPoint } from './replay.js';
import { adoptVersions, outdatedModels } from './replay-versions.js';

let world: ReplayWorld;
beforeEach(async () => {
  world = await ReplayWorld.start();
  await world.happen(500);
  await world.live();
  await world.onTrail(499);
});
afterEach(() => world.stop());

async function loseCheckpoint(): Promise<void> {
  await world.pool.query('delete from relay_checkpoint');
}

describe('where the trail goes on and the checkpoint is lost', () => {
  it('a replay is refused, and leaves the rows as they are', async () => {
    const before = await world.rows();
    await loseCheckpoint();
    await expect(world.replay()).rejects.toThrow('Stop every API and relay, then run: operator rebuild');
    expect(await world.rows()).toEqual(before);
    expect((await world.pool.query('select from replay_run')).rows).toEqual([]);
  });

  it('a replay that is under way does not switch', async () => {
    const before = await world.rows();
    const onPoint = (point: ReplayPoint) => (point === 'before-switch' ? loseCheckpoint() : undefined);
    await expect(world.replay({ onPoint })).rejects.toThrow('run: operator rebuild');
    expect(await world.rows()).toEqual(before);
  });

  it('the versions of read models are not noted as those of an empty installation', async () => {
    await loseCheckpoint();
    await adoptVersions(world.pool, { readModels: world.models });
    expect(await outdatedModels(world.pool, { readModels: world.models })).toHaveLength(2);
  });
});
