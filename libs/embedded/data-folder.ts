import { randomBytes } from 'node:crypto';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { makeFolder } from './make-folder.js';
import { processIdentity } from './process-identity.js';

export interface FolderLock {
  release(): Promise<void>;
}

/**
 * Reserves a data folder for this process, so that two installations never write the same one. The folder is made
 * when it is missing. What a process that has died left behind is taken over.
 *
 * @throws when another live process holds the folder; the message names its pid
 */
export async function lockDataFolder(dataDir: string): Promise<FolderLock> {
  const folder = resolve(dataDir);
  const lock = await takeLock(join(folder, 'lock'));
  if ('release' in lock) return lock;
  throw new Error(
    `The data folder ${folder} is in use by process ${lock.heldBy}. ` +
      'Stop that process first, or set DATA_DIR to another folder.',
  );
}

/**
 * Takes the lock `prefix`, or tells who holds it. Each contender leaves a file of its own, named after its pid and
 * start time, and then looks for others: whoever comes later sees the earlier one, so two never hold it together.
 */
export async function takeLock(prefix: string): Promise<FolderLock | { heldBy: number }> {
  await makeFolder(dirname(prefix));
  for (let attempt = 1; ; attempt++) {
    const own = await announce(prefix, process.pid);
    const others = await liveHolders(prefix, own);
    if (others[0] === undefined) return { release: () => rm(own, { force: true }) };
    await rm(own, { force: true });
    if (attempt === 5) return { heldBy: others[0] };
    // Two that start in the same moment both step back; the random wait lets one of them through.
    await new Promise((done) => setTimeout(done, 5 + Math.random() * 50));
  }
}

/** Leaves a file that says "this process is here" and returns its path; see `liveHolders`. */
export async function announce(prefix: string, pid: number): Promise<string> {
  const path = `${prefix}.${pid}.${processIdentity(pid) ?? 'gone'}.${randomBytes(4).toString('hex')}`;
  await writeFile(path, '', { flag: 'wx', mode: 0o600 });
  return path;
}

/** The pids of live processes announced under a prefix, without the file `except`; files of dead ones are removed. */
export async function liveHolders(prefix: string, except?: string): Promise<number[]> {
  const folder = dirname(prefix);
  const names = (await readdir(folder)).filter((name) => name.startsWith(`${basename(prefix)}.`));
  const holders: number[] = [];
  for (const name of names) {
    const path = join(folder, name);
    const [pid, identity, unique] = name.slice(basename(prefix).length + 1).split('.');
    if (path === except || !unique) continue;
    if (processIdentity(Number(pid)) === identity) holders.push(Number(pid));
    else await rm(path, { force: true });
  }
  return holders;
}
