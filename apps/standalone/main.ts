import { welcome } from './welcome.js';
import { startStandalone } from './start-standalone.js';

const started = performance.now();
// A terminal that is gone is no reason not to stop in order.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

try {
  const standalone = await startStandalone(process.env);
  process.stdout.write(welcome(standalone, (performance.now() - started) / 1_000));
  let stopping = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      process.stdout.write('\nStopping…\n');
      void standalone.stop().then(() => {
        process.stdout.write('Stopped.\n');
        process.exit(0);
      });
    });
  }
} catch (error) {
  process.stderr.write(`\nCountersign does not start: ${(error as Error).message}\n`);
  process.exit(1);
}
