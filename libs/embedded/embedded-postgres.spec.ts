import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { Client } from 'pg';
import { runChildScript } from '../testing/child-script.js';
import { until } from '../testing/until.js';
import { startEmbeddedPostgres, type EmbeddedPostgres } from './embedded-postgres.js';
import { findPostmaster } from './postmaster.js';
import { processIdentity } from './process-identity.js';

const MODULE = ['libs/embedded/embedded-postgres.js'];
let folder: string;
let dataDir: string;
const servers: EmbeddedPostgres[] = [];
const children: ChildProcess[] = [];

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'postgres spec ')));
  dataDir = join(folder, 'data folder', 'pg');
});

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const server of servers.splice(0)) await server.stop();
  await until(async () => (await watchdogs()).every((pid) => processIdentity(pid) === undefined));
  await until(() => findPostmaster(dataDir) === undefined);
  await rm(folder, { recursive: true, force: true });
});

async function start(options: Partial<Parameters<typeof startEmbeddedPostgres>[0]> = {}): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ dataDir, settings: { fsync: 'off' }, ...options });
  servers.push(server);
  return server;
}

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

async function watchdogs(): Promise<number[]> {
  const names = await readdir(dirname(dataDir)).catch(() => []);
  const prefix = `${basename(dataDir)}.watchdog.`;
  return names.filter((name) => name.startsWith(prefix)).map((name) => Number(name.slice(prefix.length).split('.')[0]));
}

/** Starts the server from another Node process and answers that process, and the server's pid. */
async function startElsewhere(): Promise<{ parent: ChildProcess; pid: number; url: string }> {
  const script = `const { pid, url } = await m.startEmbeddedPostgres({ dataDir: process.env.FOLDER });
    console.log(JSON.stringify({ pid, url }));
    setInterval(() => {}, 1000);`;
  const child = runChildScript(MODULE, script, { FOLDER: dataDir });
  children.push(child.process);
  return { parent: child.process, ...(JSON.parse(await child.nextLine()) as { pid: number; url: string }) };
}

/** A server whose Node process and watchdog were both killed. */
async function orphan(): Promise<{ pid: number; url: string }> {
  const { parent, pid, url } = await startElsewhere();
  for (const watchdog of await watchdogs()) process.kill(watchdog, 'SIGKILL');
  parent.kill('SIGKILL');
  await until(() => processIdentity(parent.pid ?? 0) === undefined);
  return { pid, url };
}

describe('the embedded PostgreSQL', () => {
  it('starts on an empty folder, durable, private and with checksums', async () => {
    const server = await start({ settings: {}, database: 'some "name"' });
    const [row] = await query(
      server.url,
      `SELECT current_setting('fsync') AS fsync, current_setting('data_checksums') AS checksums,
        current_setting('listen_addresses') AS addresses, current_setting('server_encoding') AS encoding,
        current_database() AS database, 'B' < 'a' AS "byteOrder"`,
    );
    expect(row).toEqual({
      fsync: 'on',
      checksums: 'on',
      addresses: '127.0.0.1',
      encoding: 'UTF8',
      database: 'some "name"',
      byteOrder: true,
    });
    expect(server).toMatchObject({ dataDir, adopted: false, owned: true });
    expect((await stat(`${dataDir}.password`)).mode & 0o777).toBe(0o600);
  });

  it('refuses a wrong password, however it is reached', async () => {
    const server = await start();
    for (const url of [new URL(server.url), new URL(server.socketUrl)]) {
      url.password = 'wrong';
      await expect(query(url.href, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
    }
  });

  it('answers through a socket in its folder, which it leaves behind when it is killed', async () => {
    const throughSocket = 'SELECT inet_client_addr() IS NULL AS socket';
    const { pid } = await orphan();
    process.kill(pid, 'SIGKILL');
    await until(() => findPostmaster(dataDir) === undefined);
    const server = await start();
    expect(await query(server.socketUrl, throughSocket)).toEqual([{ socket: true }]);
    expect(await query(server.url, throughSocket)).toEqual([{ socket: false }]);
    const sockets = (await readdir(dataDir)).filter((name) => name.startsWith('.s.PGSQL.'));
    expect(sockets.sort()).toEqual([`.s.PGSQL.${server.port}`, `.s.PGSQL.${server.port}.lock`]);
  });

  it('does without the socket where its path is longer than a system takes', async () => {
    dataDir = join(folder, 'x'.repeat(100));
    const server = await start();
    expect(server.socketUrl).toBe(server.url);
    expect(await query(server.socketUrl, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('has its data again after a restart, and leaves no process when it stops', async () => {
    const first = await start();
    await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    const pids = [first.pid, ...(await watchdogs())];
    await first.stop();
    expect(pids.map(processIdentity)).toEqual([undefined, undefined]);
    expect(await readdir(dirname(dataDir))).toEqual([basename(dataDir), `${basename(dataDir)}.password`]);
    const second = await start();
    expect(await query(second.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  });

  it('is shut down when the process that started it is killed, and starts again', async () => {
    const { parent, pid, url } = await startElsewhere();
    await query(url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    parent.kill('SIGKILL');
    const server = await start();
    expect(server.adopted).toBe(false);
    expect(processIdentity(pid)).toBeUndefined();
    expect(await query(server.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
    expect(await readFile(join(dataDir, 'server.log'), 'utf8')).not.toContain('was interrupted');
  });

  it('leaves no server behind when the process is killed in the middle of a start', async () => {
    await (await start()).stop();
    const child = runChildScript(MODULE, 'await m.startEmbeddedPostgres({ dataDir: process.env.FOLDER })', {
      FOLDER: dataDir,
    });
    children.push(child.process);
    await until(async () => (await watchdogs()).length > 0 && existsSync(join(dataDir, 'postmaster.pid')));
    child.process.kill('SIGKILL');
    await until(async () => (await watchdogs()).every((pid) => processIdentity(pid) === undefined));
    expect(findPostmaster(dataDir)).toBeUndefined();
    expect((await start()).adopted).toBe(false);
  });

  it('adopts a server that was left behind, and can stop it', async () => {
    const { pid, url } = await orphan();
    const server = await start();
    expect(server).toMatchObject({ pid, url, adopted: true, owned: true });
    await server.stop();
    expect(processIdentity(pid)).toBeUndefined();
  });

  it('moves a server that was left behind to the port it is asked for', async () => {
    const { pid } = await orphan();
    const port = await unusedPort();
    const server = await start({ port });
    expect(server).toMatchObject({ port, adopted: false });
    expect(server.pid).not.toBe(pid);
  });

  it('is shared with a second start on the same folder, which does not stop it', async () => {
    const both = await Promise.all([start(), start()]);
    const owner = both.find(({ owned }) => owned);
    const guest = both.find(({ owned }) => !owned);
    expect(guest).toMatchObject({ pid: owner?.pid, url: owner?.url, adopted: true });
    await guest?.stop();
    expect(await query(owner?.url ?? '', 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('passes to the next start when the process that owned it ends meanwhile', async () => {
    const { parent } = await startElsewhere();
    process.kill(parent.pid ?? 0, 'SIGSTOP');
    const guest = await start();
    expect(guest.owned).toBe(false);
    parent.kill('SIGKILL');
    const next = await start();
    expect(next.owned).toBe(true);
    expect(await query(next.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('does not touch a process that was given the pid in a stale pid file', async () => {
    await (await start()).stop();
    const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    children.push(stranger);
    const startedAt = Math.floor(Date.now() / 1000);
    await writeFile(join(dataDir, 'postmaster.pid'), `${stranger.pid}\n${dataDir}\n${startedAt}\n5432\n\n\n`);
    const server = await start();
    expect(server.adopted).toBe(false);
    await server.stop();
    expect(processIdentity(stranger.pid ?? 0)).toBeDefined();
  });

  it('recovers from a first start that was killed half way', async () => {
    const child = runChildScript(MODULE, 'await m.startEmbeddedPostgres({ dataDir: process.env.FOLDER })', {
      FOLDER: dataDir,
    });
    await until(async () => {
      const unfinished = (await readdir(dirname(dataDir))).find((name) => name.includes('.new-'));
      return unfinished && (await readdir(join(dirname(dataDir), unfinished, 'data'))).length > 5;
    });
    child.process.kill('SIGKILL');
    const server = await start();
    expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    const names = await readdir(dirname(dataDir));
    expect(names.filter((name) => name.includes('.new-'))).toEqual([]);
  });

  it('says which port is taken and which variable sets it', async () => {
    const blocker = createServer().listen(0, '127.0.0.1');
    const port = await until(() => (blocker.address() as AddressInfo | null)?.port);
    await expect(start({ port, portVariable: 'POSTGRES_PORT' })).rejects.toThrow(
      `Port ${port} for PostgreSQL is already in use. Stop what listens there, or set POSTGRES_PORT to another port.`,
    );
    blocker.close();
    expect((await start({ port })).port).toBe(port);
  });

  it('does not take over a folder that holds something else', async () => {
    await mkdir(dataDir, { recursive: true });
    await writeFile(join(dataDir, 'letter.txt'), 'Dear all');
    await expect(start()).rejects.toThrow("isn't empty and isn't a PostgreSQL data folder");
    expect(await readdir(dataDir)).toEqual(['letter.txt']);
  });

  it('runs in a folder that only we can enter', async () => {
    await mkdir(join(folder, 'ours'), { mode: 0o700 });
    dataDir = join(folder, 'ours', 'pg');
    await (await start()).stop();
    const server = await start();
    expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('says what its log says when it does not start', async () => {
    await expect(start({ settings: { shared_buffers: 'plenty' } })).rejects.toThrow(/shared_buffers.*"plenty"/s);
  });
});

async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  const port = await until(() => (server.address() as AddressInfo | null)?.port);
  await new Promise((resolve) => server.close(resolve));
  return port;
}
