import { FAULT_KINDS, WORLD_FAULTS } from './fault-plan.js';
import { SimulationPool } from './simulation-pool.js';
import type { Simulated } from './simulator.js';

/** CI plays a thousand, by `npm run simulate`; these take half a minute. */
const SEEDS = 60;
const SOME = [1, 2, 3];

let pool: SimulationPool;

beforeAll(async () => {
  pool = await SimulationPool.open(process.env['TEST_POSTGRES_URL']!, 3);
});

afterAll(() => pool?.close());

it('plays the same story from the same seed, step for step', async () => {
  for (const seed of SOME) {
    const [first, again] = [await pool.alone({ seed }), await pool.alone({ seed })];
    expect(first.trace.length).toBeGreaterThan(100);
    expect(again.trace).toEqual(first.trace);
  }
});

it(`keeps every promise in the stories of ${SEEDS} seeds, in which everything goes wrong that can`, async () => {
  const broken: string[] = [];
  const fired = new Set<string>();
  const sum = { acknowledged: 0, refused: 0, events: 0 };
  const seeds = Array.from({ length: SEEDS }, (_, index) => ({ seed: index + 1 }));
  for await (const simulated of pool.all(seeds)) {
    if (simulated.violation)
      broken.push(`npm run simulate -- --from ${simulated.seed}: ${simulated.violation.message}`);
    for (const name of simulated.faults.keys()) fired.add(name.split(' ', 1)[0]!);
    add(sum, simulated);
  }
  expect(broken).toEqual([]);
  expect([...fired].sort()).toEqual([...FAULT_KINDS, ...WORLD_FAULTS].sort());
  expect(sum.acknowledged).toBeGreaterThan(SEEDS * 10);
  expect(sum.refused).toBeGreaterThan(SEEDS);
}, 600_000);

function add(sum: { acknowledged: number; refused: number; events: number }, simulated: Simulated): void {
  sum.acknowledged += simulated.acknowledged;
  sum.refused += simulated.refused;
  sum.events += simulated.events;
}
