import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { compiledPath } from '../../libs/embedded/index.js';

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** Lines it logged, in the order they came. */
  logged: Logged[];
  errors: string;
}
export interface Logged {
  level: string;
  msg: string;
  url?: string;
  created?: boolean;
  [field: string]: unknown;
}

/** A server of the product as a process of its own: `apps/api/main.js`, or one of the scripts that kill themselves. */
export class ServerProcess {
  readonly logged: Logged[] = [];
  readonly exited: Promise<Exit>;
  private readonly ready: Promise<Logged | undefined>;
  private readonly child: ChildProcess;

  constructor(script: string, env: NodeJS.ProcessEnv) {
    const { PATH, TMPDIR } = process.env;
    const child = spawn(process.execPath, [compiledPath(script)], {
      env: { PATH, TMPDIR, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    const errors = text(child.stderr);
    const lines = createInterface({ input: child.stdout });
    const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    this.exited = ended.then(async ([code, signal]) => ({ code, signal, logged: this.logged, errors: await errors }));
    this.ready = new Promise((resolve) => {
      lines.on('line', (line) => {
        const logged = JSON.parse(line) as Logged;
        this.logged.push(logged);
        if (logged.url) resolve(logged);
      });
      void ended.then(() => resolve(undefined));
    });
  }

  get pid(): number {
    return this.child.pid!;
  }

  get alive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Where it listens; undefined where it ended before. */
  async url(): Promise<string | undefined> {
    return (await this.ready)?.url;
  }

  /** @throws with what it said, where it ended before it listened */
  async listening(): Promise<string> {
    const url = await this.url();
    if (url) return url;
    const { code, signal, errors } = await this.exited;
    throw new Error(`it ended with ${code ?? signal}: ${errors}`);
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<Exit> {
    if (this.alive) this.child.kill(signal);
    return this.exited;
  }
}
