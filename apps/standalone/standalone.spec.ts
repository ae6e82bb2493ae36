import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compiledPath } from '../../libs/embedded/index.js';
import { processIdentity } from '../../libs/embedded/process-identity.js';
import { loadConfig } from '../../libs/platform/index.js';
import { until } from '../../libs/testing/index.js';
import { logsOf, SecretWatch } from '../../libs/testing/secret-watch.js';

interface Terminal {
  child: ChildProcess;
  shown: string;
  exitCode: Promise<number | null>;
}

let folder: string;
const terminals: Terminal[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign start '));
});

afterAll(async () => {
  for (const { child, exitCode } of terminals) {
    child.kill('SIGTERM');
    await exitCode;
  }
  await rm(folder, { recursive: true, force: true });
});

function start(env: Record<string, string> = {}): Terminal {
  const child = spawn(process.execPath, [compiledPath('apps/standalone/main.js')], {
    env: { ...process.env, PORT: '0', SPICEDB_PORT: '0', DATA_DIR: folder, ...env },
  });
  const exitCode = once(child, 'exit').then(([code]) => code as number | null);
  const terminal: Terminal = { child, shown: '', exitCode };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (terminal.shown += text));
  }
  terminals.push(terminal);
  return terminal;
}

async function ready(terminal: Terminal): Promise<string> {
  await until(() => terminal.shown.includes('Ctrl-C stops everything') || terminal.child.exitCode !== null);
  expect(terminal.shown).toContain('Countersign is ready');
  return terminal.shown;
}

const isRunning = (pid: number): boolean => processIdentity(pid) !== undefined;
const found = (text: string, pattern: RegExp): string => pattern.exec(text)![1]!;

/** Runs the first command of the welcome text, as somebody would who pastes it. */
async function paste(shown: string): Promise<{ status: number; items: object[] }> {
  const [, url, token] = /curl -s (\S+) -H 'Authorization: Bearer (\S+)'/.exec(shown)!;
  const answer = await fetch(url!, { headers: { authorization: `Bearer ${token}` } });
  const { items } = (await answer.json()) as { items: object[] };
  return { status: answer.status, items };
}

async function partsOf(dataDir: string): Promise<number[]> {
  const pidFile = await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8');
  const running = JSON.parse(await readFile(join(dataDir, 'running.json'), 'utf8')) as { pid: number };
  return [Number(pidFile.split('\n')[0]), running.pid];
}

describe('npm start', () => {
  it('TW-126 tells where everything is, what to paste, and that the default tenant was made', async () => {
    const terminal = start({ METRICS_PORT: '0' });
    const shown = await ready(terminal);
    expect(shown).toMatch(/Tenant {4}[0-9A-Z]{26} \(created\)/);
    expect(shown).toMatch(/SpiceDB {3}127\.0\.0\.1:\d+ {2}\(plaintext, key \S+\)/);
    expect(await paste(shown)).toMatchObject({ status: 200, items: [{ id: found(shown, /Tenant +(\S+)/) }] });
    for (const place of [/Docs +(\S+)/, /Metrics +(\S+)/]) expect((await fetch(found(shown, place))).status).toBe(200);
  });

  it('on a port that is taken says which, and what to do', async () => {
    const port = new URL(found(terminals[0]!.shown, /API +(\S+)/)).port;
    const other = start({ PORT: port, DATA_DIR: join(folder, 'other') });
    expect(await other.exitCode).toBe(1);
    expect(other.shown).toContain(`Port ${port} for the HTTP API is already in use`);
    expect(other.shown).toContain('set PORT');
  });

  it('on a data folder that is in use says so', async () => {
    const other = start();
    expect(await other.exitCode).toBe(1);
    expect(other.shown).toContain(folder);
  });

  it.each(['/proc/countersign', '/proc/countersign/deeper', '/dev/null/data', '/dev/null'])(
    'on a data folder that nobody can make (%s) ends and names DATA_DIR',
    async (impossible) => {
      const other = start({ DATA_DIR: impossible });
      expect(await other.exitCode).toBe(1);
      expect(other.shown).toContain(`DATA_DIR: ${impossible} can't be written to`);
    },
  );

  it('on a data folder whose log can not be written ends and says so', async () => {
    const dataDir = join(folder, 'unwritable log');
    await mkdir(join(dataDir, 'countersign.log'), { recursive: true });
    const other = start({ DATA_DIR: dataDir });
    expect(await other.exitCode).toBe(1);
    expect(other.shown).toMatch(
      /^\nCountersign does not start: DATA_DIR: .+can't be written to.+countersign\.log.+\n$/,
    );
    await rm(dataDir, { recursive: true });
  });

  it('ends whole with Ctrl-C', async () => {
    const [{ child, exitCode }, parts] = [terminals[0]!, await partsOf(folder)];
    child.kill('SIGINT');
    expect(await exitCode).toBe(0);
    expect(terminals[0]!.shown).toMatch(/Stopped\.\n$/);
    expect(parts.filter(isRunning)).toEqual([]);
  });

  it.each(['itself', 'its PostgreSQL'])('TW-122 starts again on its folder after kill -9 of %s', async (victim) => {
    const first = start();
    const tenant = found(await ready(first), /Tenant +(\S+)/);
    expect(first.shown).toContain(`${tenant} (already there)`);
    const [postgres, main] = (await partsOf(folder)) as [number, number];
    process.kill(victim === 'itself' ? main : postgres, 'SIGKILL');
    if (victim !== 'itself') first.child.kill('SIGTERM');
    await first.exitCode;
    await until(() => !isRunning(postgres) && !isRunning(main));
    const second = start();
    expect(await paste(await ready(second))).toMatchObject({ status: 200, items: [{ id: tenant }] });
    second.child.kill('SIGTERM');
    expect(await second.exitCode).toBe(0);
  });

  it('keeps its secrets out of its logs', async () => {
    const { shown } = terminals[0]!;
    const watch = new SecretWatch(loadConfig({}, { mode: 'standalone' }));
    for (const pattern of [/Bearer ([^\s']+)/, /key ([^\s)]+)\)/]) watch.knows(found(shown, pattern));
    const logs = await logsOf(folder);
    expect(logs.map(({ place }) => place)).toContain('countersign.log');
    expect(watch.faults(logs)).toEqual([]);
  });
});
