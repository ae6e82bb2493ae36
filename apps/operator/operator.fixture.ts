import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import type { INestApplicationContext } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { SpiceDb } from '../../libs/authorization/index.js';
import { compiledPath, type EmbeddedSpiceDb, projectPath, startEmbeddedSpiceDb } from '../../libs/embedded/index.js';
import { initialiseInstallation } from '../../libs/installation/index.js';
import { createLogger, loadConfig } from '../../libs/platform/index.js';
import { createTestDatabase, PATIENCE_MS, type TestDatabase } from '../../libs/testing/index.js';
import { refuseFaults, SecretWatch, type Text } from '../../libs/testing/secret-watch.js';
import { ChangeProfile, RegisterUser } from '../../libs/users/index.js';
import { closeRuntime, openRuntime, type Runtime } from '../../libs/wiring/index.js';
import type { Relay } from '../relay/relay.js';
import { createCommandContext, createRelay } from '../relay/start-relay.js';
import type { Asked } from './operator-host.fixture.js';
import { operatorContext } from './session.js';

const SPICEDB_KEY = 'key-of-operator-specs';

export interface Ran {
  code: number;
  out: string;
  errors: string;
}

/** Runs the command line as people do, in a process of its own. */
export async function runOperator(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ran> {
  const child = spawn(process.execPath, [compiledPath('apps/operator/main.js'), ...args], {
    env: { ...surroundings(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { code: code as number, out, errors };
}

const surroundings = () => ({ PATH: process.env['PATH'], TMPDIR: process.env['TMPDIR'], USER: 'olga' });

/** Runs many command lines in one process, one after the other: loading takes most of the time of a command. */
export class OperatorHost {
  private child: ChildProcess | undefined;
  private last: Promise<unknown> = Promise.resolve();

  run(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ran> {
    const ran = this.last.then(() => this.ask({ args, env: { ...surroundings(), ...env } }));
    this.last = ran.catch(() => undefined);
    return ran;
  }

  stop(): void {
    this.child?.kill();
  }

  private async ask(asked: Asked): Promise<Ran> {
    const child = (this.child ??= fork(compiledPath('apps/operator/operator-host.fixture.js')));
    const ended = new AbortController();
    const exited = once(child, 'exit', ended).then(([code, signal]) => {
      throw new Error(`the operator's host ended: ${code ?? signal}`);
    });
    child.send(asked);
    const [ran] = (await Promise.race([once(child, 'message', ended), exited])) as [Ran];
    exited.catch(() => undefined);
    ended.abort();
    return ran;
  }
}

/** The product on a data folder, in a process of its own. @returns stops it, once or again */
export async function startProduct(env: NodeJS.ProcessEnv): Promise<() => Promise<void>> {
  const child = spawn(process.execPath, [compiledPath('apps/standalone/main.js')], {
    env: { PATH: process.env['PATH'], TMPDIR: process.env['TMPDIR'], ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  for await (const line of createInterface(child.stdout)) if (line.includes('is ready')) break;
  child.stdout.resume();
  return async () => {
    child.kill('SIGTERM');
    await exited;
  };
}

/** A database without tables and a SpiceDB without a schema, and a relay of their own once there is something in them. */
export class OperatorWorld {
  runtime!: Runtime;
  private context!: INestApplicationContext;
  private relay: Relay | undefined;
  private readonly host = new OperatorHost();
  private readonly watch: SecretWatch;
  private readonly shown: Text[] = [];

  private constructor(
    private readonly database: TestDatabase,
    private readonly server: EmbeddedSpiceDb,
    readonly spicedb: SpiceDb,
  ) {
    this.watch = new SecretWatch(loadConfig(this.env, { mode: 'operator' }));
  }

  static async start(): Promise<OperatorWorld> {
    const database = await createTestDatabase({ empty: true });
    const server = await startEmbeddedSpiceDb({ presharedKey: SPICEDB_KEY });
    await server.open();
    const spicedb = new SpiceDb({ endpoint: server.endpoint, presharedKey: SPICEDB_KEY, tls: false });
    return new OperatorWorld(database, server, spicedb);
  }

  get env(): Record<string, string> {
    return {
      DATABASE_URL: this.database.url,
      SPICEDB_ENDPOINT: this.server.endpoint,
      SPICEDB_PRESHARED_KEY: SPICEDB_KEY,
    };
  }

  operator(...args: string[]): Promise<Ran> {
    return this.run(args);
  }

  /** The same with some of the environment changed. */
  async run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
    this.watch.knowsOf(env);
    const ran = await this.host.run(args, { ...this.env, ...env });
    this.shown.push({ place: `operator ${args[0]}`, text: `${ran.out}\n${ran.errors}` });
    return ran;
  }

  /** What a command prints with `--json`, whatever its exit code. */
  async asked<Found = Record<string, unknown>>(...args: string[]): Promise<Found & { code: number }> {
    const { code, out } = await this.operator(...args, '--json');
    return { ...(JSON.parse(out) as Found), code };
  }

  /** Sets the installation up, with its first events, and lets a relay run. */
  async live(): Promise<void> {
    this.runtime = await openRuntime(loadConfig(this.env, { mode: 'operator' }), { name: 'spec' });
    const logger = createLogger({ level: 'silent', name: 'spec' });
    this.context = await createCommandContext(this.runtime, logger);
    this.startRelay();
    const config = { defaultTenantName: 'default', defaultWorkspaceName: undefined };
    await initialiseInstallation(this.context.get(CommandBus), config, this.runtime.clock, this.runtime.ids);
    await this.delivered();
  }

  /** A user with a name, registered in this process. */
  async user(displayName: string): Promise<string> {
    const userId = await this.userUnseen(displayName);
    await this.delivered();
    return userId;
  }

  /** The same, where no relay need run. */
  async userUnseen(displayName: string): Promise<string> {
    const { clock, ids } = this.runtime;
    const userId = ids.ulid(clock.now());
    const input = { userId, externalIdentity: null, profile: { displayName } };
    await this.context.get(CommandBus).execute(new RegisterUser(operatorContext(this.runtime, 'spec'), input));
    return userId;
  }

  async renamed(userId: string, displayName: string): Promise<void> {
    const change = new ChangeProfile(operatorContext(this.runtime, 'spec'), { userId, displayName });
    await this.context.get(CommandBus).execute(change);
    await this.delivered();
  }

  startRelay(): void {
    const logger = createLogger({ level: 'silent', name: 'spec' });
    this.relay = createRelay(this.runtime, this.context, { logger });
    this.relay.start();
  }

  async stopRelay(): Promise<void> {
    await this.relay?.stop();
    this.relay = undefined;
  }

  async delivered(): Promise<void> {
    const { log, progress } = this.runtime;
    await progress.waitFor('delivered', await log.head(), PATIENCE_MS);
  }

  async rows<Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> {
    return (await this.runtime.pool.query<Row>(sql, values)).rows;
  }

  async relationships(type: string): Promise<string[]> {
    const found: string[] = [];
    for await (const page of this.spicedb.readAll(type)) found.push(...page.map(({ tuple }) => tuple));
    return found.sort();
  }

  schema(): Promise<string> {
    return readFile(projectPath('schema.zed'), 'utf8');
  }

  async stop(): Promise<void> {
    this.host.stop();
    await this.stopRelay();
    await this.context?.close();
    if (this.runtime) await closeRuntime(this.runtime);
    this.spicedb.close();
    await this.server.stop();
    await this.database.drop();
    refuseFaults(this.watch.faults(this.shown));
  }
}
