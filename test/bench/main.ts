import { mkdir, writeFile } from 'node:fs/promises';
import { projectPath } from '../../libs/embedded/index.js';
import { benchAppend } from './append.bench.js';
import type { BenchRow } from './bench-row.js';
import { onDurableServer, settingsOf } from './bench-server.js';
import { benchCheck } from './check.bench.js';
import { benchDecision } from './decision.bench.js';
import { benchHttp } from './http.bench.js';
import { benchImport } from './import.bench.js';
import { benchLatency } from './latency.bench.js';
import { benchLiveReplay } from './live-replay.bench.js';
import { load, machine } from './machine.js';
import { benchPersonal } from './personal.bench.js';
import { benchReplay } from './replay.bench.js';
import { benchSize } from './size.bench.js';
import { markdownOf, tableOf } from './table.js';
import { benchTokens } from './tokens.bench.js';
import { unsteady, yardstick } from './yardstick.js';

const BENCHES: Readonly<Record<string, (serverUrl: string) => Promise<BenchRow[]>>> = {
  append: benchAppend,
  replay: benchReplay,
  personal: benchPersonal,
  latency: benchLatency,
  import: benchImport,
  http: benchHttp,
  check: benchCheck,
  decision: benchDecision,
  size: benchSize,
  live: benchLiveReplay,
  tokens: benchTokens,
};
const RESULTS = 'dist/bench-results.json';

interface Result {
  bench: string;
  rows: BenchRow[];
  /** Of the machine in the last minute, before and after. */
  load: [before: number, after: number];
  seconds: number;
}

const names = process.argv.slice(2);
const unknown = names.filter((name) => !(name in BENCHES));
if (unknown.length > 0) {
  process.stderr.write(`no benchmark is called ${unknown.join(', ')}; there are: ${Object.keys(BENCHES).join(', ')}\n`);
  process.exit(2);
}
const environment = await machine();
process.stdout.write(`${JSON.stringify(environment, null, 2)}\n`);
const results: Result[] = [];
const yardsticks = [yardstick()];
let settings: Record<string, unknown> | undefined;
for (const [bench, run] of Object.entries(BENCHES)) {
  if (names.length > 0 && !names.includes(bench)) continue;
  results.push(await measure(bench, run));
  yardsticks.push(yardstick());
  process.stdout.write(`${tableOf(results.at(-1)!.rows)}\n`);
}
const rows = results.flatMap((result) => result.rows);
const moved = unsteady(rows, yardsticks);
await mkdir(projectPath('dist'), { recursive: true });
const written = { ...environment, settings, yardsticks, moved, results };
await writeFile(projectPath(RESULTS), `${JSON.stringify(written, null, 2)}\n`);
process.stdout.write(`\n${markdownOf(rows)}\n\nWritten to ${RESULTS}\n`);
if (moved.length > 0) {
  process.stderr.write(`\nThe machine was not quiet, so this is not a result:\n${moved.join('\n')}\n`);
}
// The peers leave timers and connections behind.
process.exit(moved.length > 0 ? 1 : 0);

/** On a server of its own, so that no bench pays for what another has left. */
async function measure(bench: string, run: (serverUrl: string) => Promise<BenchRow[]>): Promise<Result> {
  const [began, before] = [performance.now(), load()];
  const rows = await onDurableServer(async (serverUrl) => {
    if (!settings) {
      settings = await settingsOf(serverUrl);
      process.stdout.write(`PostgreSQL ${JSON.stringify(settings)}\n`);
    }
    return run(serverUrl);
  });
  const result = {
    bench,
    rows,
    load: [before, load()] as Result['load'],
    seconds: (performance.now() - began) / 1_000,
  };
  process.stdout.write(`\n${bench}: ${result.seconds.toFixed(0)} s, load of the machine ${result.load.join(' → ')}\n`);
  return result;
}
