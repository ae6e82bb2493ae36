import { execFile } from 'node:child_process';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { promisify } from 'node:util';
import { projectPath } from '../../libs/embedded/index.js';

/** In the last minute. */
export function load(): number {
  return Number(loadavg()[0]!.toFixed(2));
}

export async function machine(): Promise<Record<string, string | number>> {
  return {
    at: new Date().toISOString(),
    commit: await commit(),
    cpus: `${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${process.platform} ${process.arch}`,
    node: process.version,
    load: load(),
  };
}

async function commit(): Promise<string> {
  const describe = ['describe', '--always', '--dirty', '--exclude=*'];
  try {
    return (await promisify(execFile)('git', describe, { cwd: projectPath('.') })).stdout.trim();
  } catch {
    return 'unknown';
  }
}
