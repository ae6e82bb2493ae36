import { fork } from 'node:child_process';
import { once } from 'node:events';
import { projectPath } from '../../libs/embedded/index.js';
import { migrate, openPool } from '../../libs/platform/index.js';
import { createDatabase, quietly } from './bench-databases.js';
import { type BenchProduct, openProduct } from './bench-product.js';
import { type BenchRow, median, percentile, rounded, spread } from './bench-row.js';
import { grantAt, possibleGrants } from './latency.bench.js';
import { storeEvents, syntheticEvents } from './replay-events.js';

const EVENTS = 200_000;
const ROUNDS = 3;
const AT = { rate: 50, seconds: 6 };
const SLOWER = 1.25;

/** Commit → SpiceDB while another process replays the log over and over, beside the same without. */
export async function benchLiveReplay(serverUrl: string): Promise<BenchRow[]> {
  const url = await createDatabase(serverUrl);
  await fill(url);
  const product = await openProduct(url);
  try {
    const grants = await possibleGrants(product);
    const p95 = () => quietly(serverUrl, () => liveP95(product, grants));
    await p95();
    const [calm, busy]: [number[], number[]] = [[], []];
    let replays = 0;
    for (let round = 0; round < ROUNDS; round++) {
      calm.push(await p95());
      const replaying = await startReplaying(url);
      busy.push(await p95());
      replays += await replaying.stop();
    }
    const [ours, peer] = [median(busy), median(calm)];
    const row = { ours: rounded(ours), peer: rounded(peer), ratio: rounded(peer / ours), unit: 'ms' };
    const note = `with ${spread(busy)}, without ${spread(calm)}, ${replays} replays`;
    return [{ name: `live p95 at ${AT.rate}/s during a replay, without one`, ...row, target: 1 / SLOWER, note }];
  } finally {
    await product.close();
  }
}

async function fill(url: string): Promise<void> {
  await migrate(url, projectPath('migrations'));
  const pool = openPool({ url, applicationName: 'bench', statementTimeoutMs: 0 });
  const events = syntheticEvents(EVENTS);
  await storeEvents(pool, events);
  await pool.query('insert into process_checkpoint (partition, position) values (0, $1)', [events.at(-1)!.position]);
  await pool.end();
}

async function liveP95({ runtime }: BenchProduct, grants: Awaited<ReturnType<typeof possibleGrants>>): Promise<number> {
  const { samples } = await grantAt(runtime, grants, AT);
  return percentile(
    samples.map(({ sinceCommit }) => sinceCommit),
    0.95,
  );
}

async function startReplaying(url: string) {
  const child = fork(projectPath('dist/test/bench/replay-again.js'), { env: { ...process.env, DATABASE_URL: url } });
  await once(child, 'message');
  return {
    /** @returns how many replays were done */
    stop: async (): Promise<number> => {
      const told = once(child, 'message');
      child.send('stop');
      const [replays] = (await told) as [number];
      await once(child, 'exit');
      return replays;
    },
  };
}
