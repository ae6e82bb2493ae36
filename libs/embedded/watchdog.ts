import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { compiledPath } from './compiled-path.js';
import { announce, liveHolders } from './data-folder.js';

/** A process of its own that shuts the server of one folder down when this process dies. */
export interface Watchdog {
  /**
   * Ends the watchdog and waits for that.
   *
   * @param serverIsGone false lets it stop the server first
   */
  end(serverIsGone: boolean): Promise<void>;
}

export async function startWatchdog(dataDir: string, pgCtl: string): Promise<Watchdog> {
  const script = compiledPath('libs/embedded/postgres-watchdog.js');
  const child = spawn(process.execPath, [script, dataDir, pgCtl], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: { ...process.env, NODE_OPTIONS: '' },
    cwd: dirname(dataDir),
  });
  await once(child, 'spawn');
  child.stdin?.on('error', () => undefined);
  child.unref();
  if (child.stdin && 'unref' in child.stdin) (child.stdin as unknown as { unref(): void }).unref();
  const mark = await announce(prefixOf(dataDir), child.pid ?? 0);
  return { end: (serverIsGone) => end(child, mark, serverIsGone) };
}

/** Waits until the watchdogs of processes that died have finished with the folder. */
export async function watchdogsGone(dataDir: string): Promise<void> {
  const deadline = Date.now() + 90_000;
  for (;;) {
    const [pid] = await liveHolders(prefixOf(dataDir));
    if (pid === undefined) return;
    if (Date.now() > deadline) {
      throw new Error(
        `The server on ${dataDir} is still being stopped by process ${pid}. Start again when it is gone.`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

function prefixOf(dataDir: string): string {
  return `${dataDir}.watchdog`;
}

async function end(child: ChildProcess, mark: string, serverIsGone: boolean): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    child.ref();
    const exited = once(child, 'exit');
    if (serverIsGone) child.stdin?.end('gone');
    else child.stdin?.end();
    await exited;
  }
  await rm(mark, { force: true });
}
