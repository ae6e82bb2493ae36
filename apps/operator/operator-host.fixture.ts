import 'reflect-metadata';
import type { Ran } from './operator.fixture.js';
import { operate } from './operate.js';

/** A command line, and the environment it finds. */
export interface Asked {
  args: readonly string[];
  env: NodeJS.ProcessEnv;
}

type Write = typeof process.stdout.write;

// Runs the command line of each message in a process that has loaded everything already, one after the other.
const [interpreter, script] = process.argv as [string, string];
let running = Promise.resolve();
process.on('message', ({ args, env }: Asked) => {
  running = running.then(async () => {
    process.argv = [interpreter, script, ...args];
    process.env = env;
    const [out, errors] = [collect(process.stdout), collect(process.stderr)];
    const code = await operate(args);
    const ran: Ran = { code, out: out.join(''), errors: errors.join('') };
    process.send!(ran);
  });
});

function collect(stream: NodeJS.WriteStream): string[] {
  const written: string[] = [];
  const write = (chunk: Uint8Array | string, encoding?: BufferEncoding | (() => void), done?: () => void): boolean => {
    written.push(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString());
    const told = typeof encoding === 'function' ? encoding : done;
    if (told) queueMicrotask(told);
    return true;
  };
  stream.write = write as Write;
  return written;
}
