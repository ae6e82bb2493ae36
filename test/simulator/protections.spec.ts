import { SimulationPool } from './simulation-pool.js';
import type { Protection, Simulated } from './simulator.js';

const SEEDS = 1_000;

let pool: SimulationPool;

beforeAll(async () => {
  pool = await SimulationPool.open(process.env['TEST_POSTGRES_URL']!, 2);
});

afterAll(() => pool?.close());

async function firstBroken(without: Protection): Promise<Simulated | undefined> {
  const seeds = Array.from({ length: SEEDS }, (_, index) => ({ seed: index + 1, without }));
  for await (const simulated of pool.all(seeds)) if (simulated.violation) return simulated;
  return undefined;
}

it.each<[what: string, without: Protection, promises: RegExp]>([
  ["the precondition on the relay's mark", 'mark', /^P[456]$/],
  ['the check that the lease is still held', 'lease', /^P5$/],
  ['the sources of a relationship', 'sources', /^P[456]$/],
])(
  `misses %s within ${SEEDS} seeds`,
  async (_what, without, promises) => {
    const simulated = await firstBroken(without);
    expect(simulated?.violation?.promise).toMatch(promises);
  },
  600_000,
);
