import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { compiledPath } from '../embedded/compiled-path.js';

export interface ChildScript {
  process: ChildProcess;
  /** The next line the script prints; rejects with its error output when it ends first. */
  nextLine(): Promise<string>;
  exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/**
 * Runs a piece of JavaScript in a Node process of its own, for tests that kill one. It may `await` and finds the
 * exports of the compiled modules as properties of `m`.
 *
 * @param modules compiled files, relative to the project root: `libs/embedded/index.js`
 */
export function runChildScript(modules: string[], body: string, env: NodeJS.ProcessEnv = {}): ChildScript {
  const urls = modules.map((module) => pathToFileURL(compiledPath(module)).href);
  const imports = urls.map((url) => `...(await import(${JSON.stringify(url)}))`).join(', ');
  const child = spawn(process.execPath, ['--input-type=module', '-e', `const m = { ${imports} };\n${body}`], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  return {
    process: child,
    exited,
    async nextLine() {
      const { value, done } = await lines.next();
      if (!done) return value;
      await exited;
      throw new Error(`the script ended: ${errors}`);
    },
  };
}
