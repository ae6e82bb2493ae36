import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';

// `npm test` leaves out what kills, restarts and restores real processes: `npm run test:processes` runs that alone.
const PROCESSES = 'test/(faults|restore|deployment)/';
const IGNORED = ['/node_modules/', PROCESSES].map((pattern) => `--testPathIgnorePatterns=${pattern}`);
const args = process.argv.slice(2);

function chosen() {
  if (args[0] === '--processes') return [PROCESSES, ...args.slice(1)];
  const namesSpecs = args.length > 0 && !args[0].startsWith('-');
  return namesSpecs ? args : [...IGNORED, ...args];
}

const jest = createRequire(import.meta.url).resolve('jest/bin/jest');
const child = spawn(process.execPath, ['--experimental-vm-modules', '--no-warnings', jest, ...chosen()], {
  stdio: 'inherit',
});
child.on('exit', (code) => process.exit(code ?? 1));
