import { checkInvariants } from '../../libs/verification/index.js';
import { loadConfig } from '../../libs/platform/index.js';
import { PATIENCE_MS } from '../../libs/testing/until.js';
import { closeRuntime, openRuntime, type FaultPoint } from '../../libs/wiring/index.js';
import { Killable, type Started } from './killable.js';
import { Teller } from './story.js';

/** Point, and the how-manieth passage of it kills. */
const KILLS: [FaultPoint, number][] = [
  ['before-append', 6],
  ['after-append', 2],
  ['after-append', 9],
  ['before-follow-up', 2],
  ['before-follow-up', 5],
  ['in-transaction', 4],
  ['after-commit', 3],
  ['before-delivery', 2],
  ['after-delivery', 2],
];

const KEYS = { PERSONAL_DATA_KEYS: `faults:${Buffer.alloc(32, 'kill').toString('base64')}` };

let product: Killable;
beforeAll(async () => {
  product = await Killable.create(KEYS);
});
afterEach(() => product.kill('SIGTERM'));
afterAll(() => product.remove());

async function verify({ databaseUrl, spicedbEndpoint, spicedbKey }: Started) {
  const env = { DATABASE_URL: databaseUrl, SPICEDB_ENDPOINT: spicedbEndpoint, SPICEDB_PRESHARED_KEY: spicedbKey };
  const runtime = await openRuntime(loadConfig({ ...env, ...KEYS }, { mode: 'operator' }), { name: 'verify' });
  const { log, pool, spicedb, domain, progress } = runtime;
  await progress.waitFor('delivered', await log.head(), PATIENCE_MS);
  const report = await checkInvariants({ log, pool, spicedb, domain, partition: 0 });
  const commands = await pool.query<{ doubled: number }>(
    'select count(*)::int as doubled from (select id from event_log.event group by id having count(*) > 1) twice',
  );
  await closeRuntime(runtime);
  return { report, doubled: commands.rows[0]!.doubled };
}

test.each(KILLS)('killed %s (passage %i), nothing is lost and nothing is doubled', async (point, count) => {
  const name = `Killed ${point} ${count}`;
  const started = await product.start(`${point}:${count}`);
  const teller = new Teller(product, started ?? (await product.start())!, name);
  await teller.tell();
  const { report, doubled } = await verify(teller.started);
  expect(report.checks.filter(({ ok }) => !ok)).toEqual([]);
  expect(report.parked.count).toBe(0);
  expect(doubled).toBe(0);
  expect(teller.restarts + (started ? 0 : 1)).toBe(1);
});

test('killed while it starts for the first time, the next start completes it', async () => {
  for (const fault of ['after-append:1', 'before-follow-up:1', 'in-transaction:1', 'after-commit:1']) {
    const fresh = await Killable.create(KEYS);
    await fresh.start(fault);
    const started = await fresh.start();
    expect(started).toBeDefined();
    const { report } = await verify(started!);
    expect(report.checks.filter(({ ok }) => !ok)).toEqual([]);
    await fresh.remove();
  }
}, 120_000);
