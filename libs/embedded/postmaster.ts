import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { processIdentity } from './process-identity.js';

/** A live postmaster, verified to run on the data folder it was looked up for. */
export interface Postmaster {
  pid: number;
  identity: string;
  port: number;
}

/** The postmaster that runs on `dataDir`, whether or not it accepts connections yet. */
export function findPostmaster(dataDir: string): Postmaster | undefined {
  let lines: string[];
  try {
    lines = readFileSync(join(dataDir, 'postmaster.pid'), 'utf8').split('\n');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const pid = Number(lines[0]);
  const identity = processIdentity(pid);
  if (identity === undefined || !runsOn(pid, dataDir)) return undefined;
  return { pid, identity, port: Number(lines[3] ?? 0) };
}

/**
 * Makes the pid file of a server that is gone harmless when its pid was given to another process, which would keep
 * PostgreSQL from starting. The file stays, with a pid that can't exist: it also names the shared memory by which
 * PostgreSQL notices that processes of a killed server still run.
 */
export async function retireStalePidFile(dataDir: string): Promise<void> {
  const path = join(dataDir, 'postmaster.pid');
  if (!existsSync(path) || findPostmaster(dataDir)) return;
  const lines = (await readFile(path, 'utf8')).split('\n');
  await writeFile(path, ['2147483647', ...lines.slice(1)].join('\n'));
}

/** A server that was killed leaves its sockets, and locks of theirs that name its pid. */
export async function removeStaleSockets(dataDir: string): Promise<void> {
  if (findPostmaster(dataDir)) return;
  const left = (await readdir(dataDir)).filter((name) => name.startsWith('.s.PGSQL.'));
  for (const name of left) await rm(join(dataDir, name), { force: true });
}

/**
 * The fast shutdown: sessions are ended, what is committed is on disk. Does nothing if that process is gone.
 *
 * @param pgCtl path of the pg_ctl program; only Windows, which has no signals, needs it
 */
export function shutDownFast({ pid, identity }: Postmaster, pgCtl: string): void {
  if (processIdentity(pid) !== identity) return;
  if (process.platform === 'win32') execFileSync(pgCtl, ['kill', 'INT', String(pid)], { stdio: 'ignore' });
  else process.kill(pid, 'SIGINT');
}

function runsOn(pid: number, dataDir: string): boolean {
  if (process.platform === 'linux') return runsOnLinux(pid, dataDir);
  if (process.platform === 'win32') return true;
  try {
    const command = execFileSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
    return command.includes('postgres') && command.includes(dataDir);
  } catch {
    return false;
  }
}

function runsOnLinux(pid: number, dataDir: string): boolean {
  try {
    const program = basename(readlinkSync(`/proc/${pid}/exe`)).split(' ')[0];
    return program === 'postgres' && readlinkSync(`/proc/${pid}/cwd`) === realpathSync(dataDir);
  } catch (error) {
    // Root in a container without CAP_SYS_PTRACE may not follow the links of another user's process.
    if (!['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
  }
  try {
    const [program = '', ...args] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return basename(program) === 'postgres' && (args.includes(dataDir) || args.includes('/proc/self/cwd'));
  } catch {
    return false;
  }
}
