import { fork, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { compiledPath } from './compiled-path.js';
import type { FromGateway, ToGateway } from './spicedb-gateway-messages.js';

export interface GatewayExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** The gateway process as its parent sees it. */
export interface Gateway {
  pid: number;
  exited: Promise<GatewayExit>;
  /**
   * Sends a message and waits for the answer of a type.
   *
   * @throws what the gateway says went wrong, or that it has ended
   */
  ask<Type extends FromGateway['type']>(
    message: ToGateway,
    answer: Type,
  ): Promise<Extract<FromGateway, { type: Type }>>;
  /** Kills the process and waits until it is gone. */
  kill(): Promise<void>;
}

const LINES_KEPT = 20;
/** Calls into the library block a thread each; two cores are busy with far fewer. */
const THREADS = '16';

export function startGateway(folder: string, log: (line: string) => void = () => undefined): Gateway {
  const child = fork(compiledPath('libs/embedded/spicedb-gateway.js'), [], {
    env: { ...process.env, TMPDIR: folder, UV_THREADPOOL_SIZE: THREADS, NODE_OPTIONS: '' },
    execArgv: [],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const lastLines: string[] = [];
  const keep = (line: string) => {
    lastLines.push(line);
    if (lastLines.length > LINES_KEPT) lastLines.shift();
    log(line);
  };
  for (const stream of [child.stdout, child.stderr]) if (stream) createInterface(stream).on('line', keep);
  const exited = new Promise<GatewayExit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', () => resolve({ code: null, signal: null }));
  });
  return {
    pid: child.pid ?? 0,
    exited,
    ask: (message, answer) => ask(child, exited, lastLines, message, answer),
    async kill() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await exited;
    },
  };
}

function ask<Type extends FromGateway['type']>(
  child: ChildProcess,
  exited: Promise<GatewayExit>,
  lastLines: string[],
  message: ToGateway,
  answer: Type,
): Promise<Extract<FromGateway, { type: Type }>> {
  return new Promise((resolve, reject) => {
    const onMessage = (received: FromGateway) => {
      if (received.type !== answer && received.type !== 'failed') return;
      child.off('message', onMessage);
      if (received.type === 'failed') reject(new Error(received.message));
      else resolve(received as Extract<FromGateway, { type: Type }>);
    };
    child.on('message', onMessage);
    void exited.then(({ code, signal }) => {
      child.off('message', onMessage);
      reject(new Error(`The embedded SpiceDB has ended (${signal ?? code}). Its last lines:\n${lastLines.join('\n')}`));
    });
    child.send(message, (error) => {
      if (error) reject(new Error(`The embedded SpiceDB can't be reached: ${error.message}`));
    });
  });
}
