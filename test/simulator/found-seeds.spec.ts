import { SimulationPool } from './simulation-pool.js';

let pool: SimulationPool;

beforeAll(async () => {
  pool = await SimulationPool.open(process.env['TEST_POSTGRES_URL']!, 1);
});

afterAll(() => pool?.close());

const SAID = 'seed %i, which found that it was otherwise: %s';

it.each([
  [87, 'a superseding request that a process has just submitted is answered with its place in the log'],
  [115, 'a workspace is created again, with the same answer, after it was deleted'],
  [143, 'a role is given again, with the same answer, after its workspace is gone'],
  [144, 'a role is given again, with the same answer, after it ended'],
  [760, 'a request whose submission arrives late is answered with its place in the log'],
  [1_000, 'a relay takes over where the clock of the database was put back'],
])(`${SAID} (built-in roles of people)`, async (seed) => {
  const { violation } = await pool.alone({ seed, repertoire: 'basic' });
  expect(violation?.message).toBeUndefined();
});

it.each([
  [67, 'a role of the tenant stays with who holds it when another of its holders is removed'],
  [108, 'a role of the tenant is given again, with the same answer, after its workspace is gone'],
])(SAID, async (seed) => {
  const { violation } = await pool.alone({ seed });
  expect(violation?.message).toBeUndefined();
});
