import { fork } from 'node:child_process';
import { once } from 'node:events';
import { projectPath } from '../../libs/embedded/index.js';
import { migrate, openPool } from '../../libs/platform/index.js';
import { createDatabase, quietly } from './bench-databases.js';
import { type BenchProduct, openProduct } from './bench-product.js';
import { type BenchRow, median, percentile, rounded, spread } from './bench-row.js';
import { grantAt, possibleGrants, USERS, WORKSPACES } from './latency.bench.js';
import { storeEvents, syntheticEvents } from './replay-events.js';

const EVENTS = 50_000;
const ROUNDS = 3;
const AT = { rate: 50, seconds: 6 };
const SLOWER = 1.25;

/** Commit → SpiceDB while another process replays the log from start to end, beside the same without. */
export async function benchLiveReplay(serverUrl: string): Promise<BenchRow[]> {
  const url = await createDatabase(serverUrl);
  await fill(url);
  const product = await openProduct(url);
  try {
    const live = await liveLoad(product);
    await live();
    const [calm, busy, took]: number[][] = [[], [], []];
    for (let round = 0; round < ROUNDS; round++) {
      calm!.push(p95(await quietly(serverUrl, live)));
      const replaying = await startReplaying(url);
      const samples = await quietly(serverUrl, live);
      while (replaying.seconds() === undefined) samples.push(...(await live()));
      busy!.push(p95(samples));
      took!.push(replaying.seconds()!);
      await replaying.stop();
    }
    const [ours, peer] = [median(busy!), median(calm!)];
    const row = { ours: rounded(ours), peer: rounded(peer), ratio: rounded(peer / ours), unit: 'ms' };
    const note = `with ${spread(busy!)}, without ${spread(calm!)}, a replay of ${EVENTS} events took ${spread(took!)} s`;
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

const p95 = (samples: readonly number[]): number => percentile(samples, 0.95);

/** @returns what gives grants for some seconds, and says how many milliseconds each took from its commit */
async function liveLoad(product: BenchProduct): Promise<() => Promise<number[]>> {
  let [grants, left] = [await possibleGrants(product), WORKSPACES * USERS];
  return async () => {
    left -= AT.rate * AT.seconds;
    if (left < 0) [grants, left] = [await possibleGrants(product), WORKSPACES * USERS - AT.rate * AT.seconds];
    const { samples } = await grantAt(product.runtime, grants, AT);
    return samples.map(({ sinceCommit }) => sinceCommit);
  };
}

async function startReplaying(url: string) {
  const child = fork(projectPath('dist/test/bench/replay-again.js'), { env: { ...process.env, DATABASE_URL: url } });
  await once(child, 'message');
  const startedAt = performance.now();
  let seconds: number | undefined;
  child.on('message', () => (seconds ??= (performance.now() - startedAt) / 1_000));
  return {
    /** Of the first replay, once it has come to its end. */
    seconds: () => seconds,
    stop: async (): Promise<void> => {
      child.send('stop');
      await once(child, 'exit');
    },
  };
}
