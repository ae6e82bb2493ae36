import { readFile } from 'node:fs/promises';
import { CommandBus } from '@nestjs/cqrs';
import type { pino } from 'pino';
import { SpiceDb } from '../../libs/authorization/index.js';
import { type EmbeddedSpiceDb, projectPath, startEmbeddedSpiceDb } from '../../libs/embedded/index.js';
import { type CommandContext, NO_STREAM, type StoredEvent } from '../../libs/event-store/index.js';
import { type Config, createLogger, loadConfig, systemIds } from '../../libs/platform/index.js';
import { CreateTenant } from '../../libs/tenants/index.js';
import { anEvent } from '../../libs/testing/event-builders.js';
import { TcpProxy } from '../../libs/testing/tcp-proxy.js';
import { SecretWatch } from '../../libs/testing/secret-watch.js';
import { createTestDatabase, type TestDatabase } from '../../libs/testing/test-database.js';
import { closeRuntime, openRuntime, type Runtime } from '../../libs/wiring/index.js';
import type { Relay, RelayPoint } from './relay.js';
import { createCommandContext, createRelay } from './start-relay.js';

const KEY = 'a-key-for-tests';

/** A process with a relay, on a world that it shares with others. */
export interface RelayNode {
  runtime: Runtime;
  relay: Relay;
  bus: CommandBus;
  logged: string[];
  /** Holds it at a point from now on. */
  holdAt(point: RelayPoint): void;
  /** Resolves once it is held there. */
  held(): Promise<void>;
  letGo(): void;
  /** Its lease is not renewed any more, as where the whole process is frozen. */
  freeze(): void;
  stop(): Promise<void>;
}

/** A database and a SpiceDB behind a proxy, for any number of relays. */
export class RelayWorld {
  private readonly nodes: RelayNode[] = [];

  private constructor(
    private readonly database: TestDatabase,
    private readonly embedded: EmbeddedSpiceDb,
    readonly proxy: TcpProxy,
    private readonly config: Config,
  ) {}

  static async start(env: Record<string, string> = {}): Promise<RelayWorld> {
    const [database, embedded] = await Promise.all([createTestDatabase(), startEmbeddedSpiceDb({ presharedKey: KEY })]);
    const direct = new SpiceDb({ endpoint: embedded.privateEndpoint, presharedKey: embedded.privateKey, tls: false });
    await direct.writeSchema(await readFile(projectPath('schema.zed'), 'utf8'));
    direct.close();
    await embedded.open();
    const [host, port] = embedded.endpoint.split(':') as [string, string];
    const proxy = await TcpProxy.start({ host, port: Number(port) });
    const config = loadConfig(
      {
        ...{ DATABASE_URL: database.url, SPICEDB_PRESHARED_KEY: KEY, LOG_LEVEL: 'info' },
        ...{ SPICEDB_ENDPOINT: `127.0.0.1:${proxy.address.port}`, SPICEDB_TLS: 'false', ...env },
      },
      { mode: 'relay' },
    );
    return new RelayWorld(database, embedded, proxy, config);
  }

  async node(name: string, change: Partial<Config> = {}): Promise<RelayNode> {
    const runtime = await openRuntime({ ...this.config, ...change }, { name });
    const logged: string[] = [];
    const destination = { write: (line: string) => void logged.push(line) } as pino.DestinationStream;
    const logger = createLogger({ level: 'trace', name, destination });
    const context = await createCommandContext(runtime, logger);
    const gate = new RelayGate();
    const relay = createRelay(runtime, context, { logger, at: gate.at });
    const frozen = new FrozenLease(runtime);
    const freeze = (): void => frozen.freeze();
    const letGo = (): void => {
      gate.letGo();
      frozen.thaw();
    };
    const stop = async (): Promise<void> => {
      letGo();
      await relay.stop();
      await context.close();
      await closeRuntime(runtime);
    };
    const { holdAt, held } = gate;
    const node = { runtime, relay, bus: context.get(CommandBus), logged, holdAt, held, letGo, freeze, stop };
    this.nodes.push(node);
    return node;
  }

  async stop(): Promise<void> {
    await this.proxy.accept();
    await Promise.all(this.nodes.map((node) => node.stop()));
    await this.proxy.stop();
    await this.embedded.stop();
    await this.database.drop();
    const logs = this.nodes.map(({ logged }) => ({ place: 'the log of a relay', text: logged.join('') }));
    const shown = new SecretWatch(this.config).faults(logs);
    if (shown.length > 0) throw new Error(`a secret shows:\n${shown.join('\n')}`);
  }
}

class RelayGate {
  private point: RelayPoint | undefined;
  private waiting: (() => void)[] = [];
  private watching: (() => void)[] = [];

  readonly at = (point: RelayPoint): Promise<void> | undefined => {
    if (point !== this.point) return undefined;
    for (const resolve of this.watching.splice(0)) resolve();
    return new Promise((resolve) => this.waiting.push(resolve));
  };
  readonly holdAt = (point: RelayPoint): void => void (this.point = point);
  readonly held = (): Promise<void> =>
    this.waiting.length > 0 ? Promise.resolve() : new Promise((resolve) => this.watching.push(resolve));
  readonly letGo = (): void => {
    this.point = undefined;
    for (const resolve of this.waiting.splice(0)) resolve();
  };
}

/** Renewals of the lease are sent only once it is thawed; the rest goes on as far as nobody stops it. */
class FrozenLease {
  private thawed: (() => void) | undefined;

  constructor(private readonly runtime: Pick<Runtime, 'pool'>) {}

  freeze(): void {
    const { pool } = this.runtime;
    const query = pool.query.bind(pool) as (...args: unknown[]) => unknown;
    const thaw = new Promise<void>((resolve) => (this.thawed = resolve));
    const frozen = (...args: unknown[]): unknown =>
      /^\s*update relay_lease/.test(String(args[0])) ? thaw.then(() => query(...args)) : query(...args);
    Object.defineProperty(pool, 'query', { value: frozen, configurable: true });
  }

  thaw(): void {
    this.thawed?.();
  }
}

let commands = 0;

export function someContext(): CommandContext {
  return {
    ...{ commandId: systemIds.uuid(), actor: { type: 'system', id: 'test' }, authentication: 'test' },
    ...{ correlationId: systemIds.uuid(), causationId: null, at: new Date().toISOString() },
  };
}

export interface TestTenant {
  tenantId: string;
  name: string;
  rootWorkspaceId: string;
  /** Of the last event. */
  position: number;
}

/** A tenant without an admin. */
export async function createTenant({ bus }: Pick<RelayNode, 'bus'>): Promise<TestTenant> {
  const now = new Date();
  const [tenantId, rootWorkspaceId, name] = [systemIds.ulid(now), systemIds.ulid(now), `tenant ${++commands}`];
  const input = { tenantId, name, rootWorkspaceId, rootWorkspaceName: name, creatorId: null };
  const { position } = await bus.execute(new CreateTenant(someContext(), input));
  return { tenantId, name, rootWorkspaceId, position };
}

/** Puts an event that no command would make at the end of the log. */
export async function appendRaw(
  { log }: Pick<Runtime, 'log'>,
  event: Partial<Pick<StoredEvent, 'type' | 'data' | 'metadata'>>,
): Promise<StoredEvent & { position: number }> {
  const [stream, raw] = [`raw-${systemIds.uuid()}`, anEvent(event)];
  const { revision, position } = await log.append(stream, NO_STREAM, [raw]);
  return { ...raw, stream, revision, position };
}

/** Relationships of a type that name the id. */
export async function tuplesOf({ spicedb }: Pick<Runtime, 'spicedb'>, type: string, id: string): Promise<string[]> {
  const found: string[] = [];
  for await (const page of spicedb.readAll(type)) found.push(...page.map(({ tuple }) => tuple));
  return found.filter((tuple) => tuple.includes(id)).sort();
}
