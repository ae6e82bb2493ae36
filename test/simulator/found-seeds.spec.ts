import { SimulationPool } from './simulation-pool.js';

let pool: SimulationPool;

beforeAll(async () => {
  pool = await SimulationPool.open(process.env['TEST_POSTGRES_URL']!, 1);
});

afterAll(() => pool?.close());

it.each([
  [87, 'a superseding request that a process has just submitted is answered with its place in the log'],
  [115, 'a workspace is created again, with the same answer, after it was deleted'],
  [143, 'a role is given again, with the same answer, after its workspace is gone'],
  [144, 'a role is given again, with the same answer, after it ended'],
  [760, 'a request whose submission arrives late is answered with its place in the log'],
  [1_000, 'a relay takes over where the clock of the database was put back'],
])('seed %i, which found that it was otherwise: %s', async (seed) => {
  const { violation } = await pool.alone({ seed });
  expect(violation?.message).toBeUndefined();
});
