import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Where the parts of a running data folder answer, for commands that work on it meanwhile. */
export interface Running {
  databaseUrl: string;
  spicedbEndpoint: string;
}

export const RUNNING_FILE = 'running.json';

/** @returns removes it */
export async function announceRunning(dataDir: string, running: Running): Promise<() => Promise<void>> {
  const file = join(dataDir, RUNNING_FILE);
  await writeFile(file, JSON.stringify({ ...running, pid: process.pid }), { mode: 0o600 });
  return () => rm(file, { force: true });
}
