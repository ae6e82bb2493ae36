import 'reflect-metadata';
import { Command, InvalidArgumentError, Option } from 'commander';
import { ProgressBar } from '../../apps/operator/output.js';
import { startTestServer } from '../../libs/testing/test-server.js';
import { shorten } from './shorten.js';
import { PROTECTIONS, type Protection, type Simulated } from './simulator.js';
import { SimulationPool } from './simulation-pool.js';

interface Flags {
  seeds: number;
  from: number;
  atOnce: number;
  trace?: boolean;
  without?: Protection;
}

const HELP = `
Plays stories of people, relays and stores that misbehave, each from its seed, and checks what the product promises.
The same seed is the same story. Stops at the first promise that is broken, and prints the steps that lead there.
Exit codes: 0 every promise was kept, 1 one was broken.

  npm run simulate -- --seeds 1000
  npm run simulate -- --from 42 --seeds 1 --trace
  npm run simulate -- --without mark`;

const wholeNumber = (text: string): number => {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('it takes a whole number');
  return Number(text);
};

await new Command('simulate')
  .description('Runs the product against stores that misbehave, from seeds.')
  .option('--seeds <number>', 'how many', wholeNumber, 1_000)
  .option('--from <number>', 'the first of them', wholeNumber, 1)
  .option('--at-once <number>', 'how many side by side', wholeNumber, 3)
  .option('--trace', 'print the steps of every story')
  .addOption(new Option('--without <protection>', 'take a protection away, to see it missed').choices(PROTECTIONS))
  .addHelpText('after', HELP)
  .action(async (flags: Flags) => {
    process.exitCode = await run(flags);
  })
  .parseAsync();

async function run({ seeds, from, atOnce, trace, without }: Flags): Promise<number> {
  const server = await startTestServer();
  const pool = await SimulationPool.open(server.url, Math.min(atOnce, seeds));
  const bar = new ProgressBar('seeds');
  const faults = new Map<string, number>();
  const began = performance.now();
  let done = 0;
  try {
    const options = Array.from({ length: seeds }, (_, index) => ({ seed: from + index, without }));
    for await (const simulated of pool.all(options)) {
      bar.show(++done, seeds);
      if (trace) print(simulated);
      for (const [name, times] of simulated.faults) faults.set(name, (faults.get(name) ?? 0) + times);
      if (!simulated.violation) continue;
      bar.stop();
      process.stdout.write(`seed ${simulated.seed} breaks ${simulated.violation.message}\n\nShortening it …\n`);
      const again = { seed: simulated.seed, without };
      print(await shorten((shorter) => pool.alone(shorter), simulated, again));
      return 1;
    }
    bar.stop();
    const seconds = (performance.now() - began) / 1_000;
    process.stdout.write(`${done} seeds from ${from} on kept every promise: ${(done / seconds).toFixed(1)} a second\n`);
    for (const [name, times] of [...faults].sort()) process.stdout.write(`${String(times).padStart(8)}  ${name}\n`);
    return 0;
  } finally {
    bar.stop();
    await pool.close();
    await server.stop();
  }
}

function print({ seed, trace, violation }: Simulated): void {
  process.stdout.write(`\nseed ${seed}\n${trace.join('\n')}\n${violation ? `\n${violation.message}\n` : ''}`);
}
