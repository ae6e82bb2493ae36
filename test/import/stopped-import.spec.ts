import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { compiledPath } from '../../libs/embedded/compiled-path.js';
import { until } from '../../libs/testing/index.js';
import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';
import {
  allLines,
  eventsAfter,
  faultsOf,
  generatedHistory,
  type History,
  importInto,
  rolesInSpiceDb,
  streamOf,
} from './history-world.js';

const LONG_MS = 180_000;
const SIZE = { changes: 120, orgs: 3, teams: 12, people: 150 };

const history = generatedHistory(20_260, SIZE);
let app: TestApp;

beforeEach(async () => {
  app = await startTestApp();
});
afterEach(() => app?.stop());

/** Ids of what happened, but for the notes on how far an import was. */
async function whatHappened(of: TestApp): Promise<string[]> {
  const events = (await eventsAfter(of)).filter(({ metadata }) => metadata.actor.id === 'importer');
  return events
    .filter(({ type }) => type !== 'import-progressed.v1')
    .map(({ id, type }) => `${type} ${id}`)
    .sort();
}

let uninterrupted: Promise<string[]> | undefined;

async function importOnce(): Promise<string[]> {
  const other = await startTestApp();
  try {
    await importInto(other, history);
    expect(await rolesInSpiceDb(other)).toEqual(history.final);
    return await whatHappened(other);
  } finally {
    await other.stop();
  }
}

it(
  'an import that is stopped again and again ends as if it had not been',
  async () => {
    const total = (await allLines(history)).length;
    const stops = [0.02, 0.11, 0.3, 0.31, 0.55, 0.78, 0.97].map((share) => Math.floor(total * share));
    for (const stop of stops) {
      const stopping = new AbortController();
      const onProgress = ({ lines }: { lines: number }): void => (lines >= stop ? stopping.abort() : undefined);
      await expect(importInto(app, history, { signal: stopping.signal, onProgress })).rejects.toThrow(/abort/);
    }
    const summary = await importInto(app, history);
    expect(summary.unchanged).toBeGreaterThan(0);
    expect(summary.grants + summary.revokes + summary.unchanged).toBe(total);
    expect(await rolesInSpiceDb(app)).toEqual(history.final);
    expect(await faultsOf(app)).toEqual([]);
    expect(await whatHappened(app)).toEqual(await (uninterrupted ??= importOnce()));
  },
  LONG_MS,
);

describe('the command', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'countersign-import-'));
    await writeFile(join(folder, 'history.jsonl.gz'), gzipSync((await allLines(history)).join('\n')));
    await writeFile(join(folder, 'teams.json'), JSON.stringify(history.teams));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  function startOperator(...args: string[]) {
    const { databaseUrl, spicedbEndpoint, spicedbPresharedKey } = app.runtime.config;
    const env = {
      ...{ PATH: process.env['PATH'], DATABASE_URL: databaseUrl, SPICEDB_ENDPOINT: spicedbEndpoint },
      ...{ SPICEDB_PRESHARED_KEY: spicedbPresharedKey, SIGNING_KEY: app.runtime.config.signingKey },
      DATA_DIR: folder,
    };
    const child = spawn(process.execPath, [compiledPath('apps/operator/main.js'), ...args], { env });
    const said = { out: '', err: '' };
    child.stdout.on('data', (chunk: Buffer) => (said.out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (said.err += chunk.toString()));
    const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...said }));
    return { child, ended };
  }

  const importing = (): string[] => [
    'import',
    join(folder, 'history.jsonl.gz'),
    '--teams',
    join(folder, 'teams.json'),
    '--json',
  ];

  it(
    'killed twice and started again ends the same',
    async () => {
      let head = await app.runtime.log.head();
      for (const further of [150, 300]) {
        const { child, ended } = startOperator(...importing());
        await until(async () => (await app.runtime.log.head()) > head + further);
        child.kill('SIGKILL');
        expect(await ended).toMatchObject({ code: null });
        head = await app.runtime.log.head();
      }
      const { code, out, err } = await startOperator(...importing()).ended;
      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(JSON.parse(out)).toMatchObject({ refused: [], delivered: true });
      expect(await rolesInSpiceDb(app)).toEqual(history.final);
      expect(await faultsOf(app)).toEqual([]);
      expect(await whatHappened(app)).toEqual(await (uninterrupted ??= importOnce()));
    },
    LONG_MS,
  );

  it(
    'is refused while another import is under way, and counts what that did as done once it has ended',
    async () => {
      const head = await app.runtime.log.head();
      const first = startOperator(...importing());
      await until(async () => (await app.runtime.log.head()) > head + 20);
      first.child.kill('SIGSTOP');
      const second = await startOperator(...importing()).ended;
      first.child.kill('SIGCONT');
      expect(second.code).toBe(1);
      expect(JSON.parse(second.out)).toEqual({
        error: { exitCode: 1, message: 'another import is under way; wait for it to end' },
      });
      const done = JSON.parse((await first.ended).out) as { lines: number; grants: number; revokes: number };
      expect(done.grants + done.revokes).toBe(done.lines);
      const third = await startOperator(...importing()).ended;
      expect(JSON.parse(third.out)).toMatchObject({ grants: 0, revokes: 0, unchanged: done.lines });
    },
    LONG_MS,
  );

  it(
    'ends with 1 where a line was refused, and names it',
    async () => {
      const lines = (await allLines(history)).slice(0, 1);
      const { change, ...grant } = JSON.parse(lines[0]!) as { change: number };
      lines.push(JSON.stringify({ ...grant, change: change + 1, op: 'revoke' }));
      await writeFile(join(folder, 'refused.jsonl'), lines.join('\n'));
      const { code, out } = await startOperator('import', join(folder, 'refused.jsonl')).ended;
      expect(code).toBe(1);
      expect(out).toContain('line 2 was refused: last-admin');
    },
    LONG_MS,
  );

  it(
    'says which line is malformed, and does nothing',
    async () => {
      await writeFile(join(folder, 'broken.jsonl'), '{"change":1}\n');
      const { code, err } = await startOperator('import', join(folder, 'broken.jsonl')).ended;
      expect({ code, err }).toEqual({
        code: 2,
        err: 'line 1 of the history: at must be a time in ISO 8601 with its zone\n',
      });
    },
    LONG_MS,
  );
});

it(
  'a later part is imported after an earlier one, into the tenants and workspaces of that',
  async () => {
    const lines = await allLines(history);
    const middle = lines.findIndex(
      (line, index) => index > lines.length / 2 && changeOf(line) !== changeOf(lines[index - 1]!),
    );
    const part = (some: readonly string[]): Pick<History, 'lines' | 'teams'> => ({
      ...history,
      lines: () => streamOf(some),
    });
    await importInto(app, part(lines.slice(0, middle)));
    await app.settled();
    const { unchanged } = await importInto(app, part(lines.slice(middle)));
    expect(unchanged).toBe(0);
    expect(await rolesInSpiceDb(app)).toEqual(history.final);
    const whole = await importInto(app, history);
    expect(whole.unchanged).toBe(middle);
    expect(await rolesInSpiceDb(app)).toEqual(history.final);
    expect(await faultsOf(app)).toEqual([]);
  },
  LONG_MS,
);

function changeOf(line: string): number {
  return (JSON.parse(line) as { change: number }).change;
}
