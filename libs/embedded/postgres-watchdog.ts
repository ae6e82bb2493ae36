import { waitUntilGone } from './process-identity.js';
import { findPostmaster, shutDownFast } from './postmaster.js';

// Started detached, with a pipe from the process that uses the server: the pipe ends when that process does, however
// it ends. Whoever starts next on the folder waits for this process, so it must not outlive its work.
const [dataDir, pgCtl] = process.argv.slice(2);
if (!dataDir || !pgCtl) throw new Error('Usage: postgres-watchdog <data folder> <pg_ctl>');

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.stdin.on('error', () => undefined);
// Anything that is written says that there is nothing left to stop.
process.stdin.on('data', () => process.exit());
process.stdin.on('close', () => {
  void stopServer(dataDir, pgCtl).finally(() => process.exit());
});

async function stopServer(folder: string, program: string): Promise<void> {
  // A server that was just being started writes its pid file within moments.
  const deadline = Date.now() + 2_000;
  while (Date.now() < deadline) {
    const server = findPostmaster(folder);
    if (server) {
      shutDownFast(server, program);
      await waitUntilGone(server.pid, server.identity, 60_000);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
