import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { compiledPath } from '../../libs/embedded/index.js';
import { loadConfig } from '../../libs/platform/index.js';
import type { Observe } from '../../libs/testing/api-client.js';
import { logsOf, refuseFaults, SecretWatch } from '../../libs/testing/secret-watch.js';

export interface Started {
  url: string;
  token: string;
  databaseUrl: string;
  spicedbEndpoint: string;
  spicedbKey: string;
}

/** The standalone product as a real process on a data folder, to be killed and started again. */
export class Killable {
  private child: ChildProcess | undefined;
  private readonly watch: SecretWatch;
  readonly observe: Observe = (...answered) => this.watch.answered(...answered);

  private constructor(
    readonly folder: string,
    private readonly env: Record<string, string>,
  ) {
    this.watch = new SecretWatch(loadConfig(env, { mode: 'standalone' }), env);
  }

  static async create(env: Record<string, string> = {}): Promise<Killable> {
    return new Killable(await mkdtemp(join(tmpdir(), 'countersign-faults-')), env);
  }

  /** @returns undefined when the process died before it was ready */
  async start(fault = 'never:1'): Promise<Started | undefined> {
    const child = spawn(process.execPath, [compiledPath('test/faults/faulty-standalone.js')], {
      env: { ...process.env, ...this.env, PORT: '0', SPICEDB_PORT: '0', DATA_DIR: this.folder, FAULT: fault },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.child = child;
    const lines = createInterface({ input: child.stdout });
    const ready = once(lines, 'line').then(([line]) => JSON.parse(line as string) as Started);
    const died = once(child, 'exit').then(() => undefined);
    const started = await Promise.race([ready, died]);
    for (const secret of [started?.token, started?.spicedbKey]) this.watch.knows(secret);
    return started;
  }

  get alive(): boolean {
    return this.child?.exitCode === null && this.child.signalCode === null;
  }

  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    if (!this.child || !this.alive) return;
    const exited = once(this.child, 'exit');
    this.child.kill(signal);
    await exited;
  }

  async remove(): Promise<void> {
    await this.kill('SIGTERM');
    const logs = await logsOf(this.folder);
    await rm(this.folder, { recursive: true, force: true });
    refuseFaults(this.watch.faults(logs));
  }
}
