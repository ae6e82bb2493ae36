import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as TestServerModule from './test-server.js';

const root = join(import.meta.dirname, '..', '..');
const stamp = join(root, 'dist', '.built');
const lock = join(root, 'dist', '.building');
const LOCK_EXPIRES_MS = 60_000;

/** jest asks for a default export. It loads this file as CommonJS, so the rest is reached through its compiled form. */
export default async function setUp(): Promise<void> {
  await buildOnce();
  const compiled = pathToFileURL(join(root, 'dist', 'libs', 'testing', 'test-server.js')).href;
  const { startTestServer } = (await import(compiled)) as typeof TestServerModule;
  const server = await startTestServer();
  process.env['TEST_POSTGRES_URL'] = server.url;
  globalThis.stopTestServer = server.stop;
}

async function buildOnce(): Promise<void> {
  await takeBuildLock();
  try {
    const startedAt = new Date();
    if (existsSync(stamp) && statSync(stamp).mtimeMs > newestSource()) return;
    const nest = createRequire(join(root, 'package.json')).resolve('@nestjs/cli/bin/nest.js');
    execFileSync(process.execPath, [nest, 'build'], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
    writeFileSync(stamp, '');
    utimesSync(stamp, startedAt, startedAt);
  } catch (error) {
    const { stdout, stderr, message } = error as Error & { stdout?: string; stderr?: string };
    throw new Error(`The build failed:\n${stdout ?? ''}${stderr ?? ''}${message}`);
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

/** Two test runs at once must not write the same files; a lock that old was left by a killed run. */
async function takeBuildLock(): Promise<void> {
  mkdirSync(join(root, 'dist'), { recursive: true });
  for (;;) {
    try {
      return mkdirSync(lock);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const age = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? 0);
    if (age > LOCK_EXPIRES_MS) rmSync(lock, { recursive: true, force: true });
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function newestSource(): number {
  const settings = ['.swcrc', 'nest-cli.json', 'package.json'].map((name) => join(root, name));
  const sources = ['apps', 'libs', 'test'].flatMap((folder) => sourcesIn(join(root, folder)));
  return Math.max(...[...settings, ...sources].map((path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0));
}

function sourcesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : sourcesIn(path);
    return entry.name.endsWith('.ts') ? [path] : [];
  });
}

declare global {
  var stopTestServer: (() => Promise<void>) | undefined;
}
