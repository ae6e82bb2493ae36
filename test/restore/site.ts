import { readFile } from 'node:fs/promises';
import { CommandBus } from '@nestjs/cqrs';
import type { INestApplicationContext } from '@nestjs/common';
import { Client } from 'pg';
import type { pino } from 'pino';
import { runOperator } from '../../apps/operator/operator.fixture.js';
import type { Relay } from '../../apps/relay/relay.js';
import { createCommandContext, createRelay } from '../../apps/relay/start-relay.js';
import { SpiceDb, type Update } from '../../libs/authorization/index.js';
import { type EmbeddedSpiceDb, projectPath, startEmbeddedSpiceDb } from '../../libs/embedded/index.js';
import { processContext } from '../../libs/event-store/index.js';
import { createLogger, loadConfig } from '../../libs/platform/index.js';
import { CreateTenant, DeleteTenant } from '../../libs/tenants/index.js';
import { createTestDatabase, type TestDatabase } from '../../libs/testing/index.js';
import { RegisterUser } from '../../libs/users/index.js';
import { definitionsOf } from '../../libs/verification/index.js';
import { closeRuntime, openRuntime, type Runtime } from '../../libs/wiring/index.js';

const KEY = 'a-key-for-tests';

export interface Settled {
  tenantId: string;
  userId: string;
}

/** An installation whose parts can be stopped, copied and put back. */
export class Site {
  runtime!: Runtime;
  relay!: Relay;
  logged: string[] = [];
  private context!: INestApplicationContext;
  private up = false;
  private kept: string | undefined;

  private constructor(
    private readonly database: TestDatabase,
    private readonly server: EmbeddedSpiceDb,
    private readonly more: Record<string, string>,
    readonly spicedb: SpiceDb,
  ) {}

  static async create(more: Record<string, string> = {}): Promise<Site> {
    const [database, server] = await Promise.all([createTestDatabase(), startEmbeddedSpiceDb({ presharedKey: KEY })]);
    const spicedb = new SpiceDb({ endpoint: server.privateEndpoint, presharedKey: server.privateKey, tls: false });
    await spicedb.writeSchema(await readFile(projectPath('schema.zed'), 'utf8'));
    await server.open();
    return new Site(database, server, more, spicedb);
  }

  get env(): Record<string, string> {
    const servers = { DATABASE_URL: this.database.url, SPICEDB_ENDPOINT: this.server.endpoint };
    return { ...servers, SPICEDB_PRESHARED_KEY: KEY, SPICEDB_TLS: 'false', ...this.more };
  }

  async start(): Promise<void> {
    this.logged = [];
    const destination = { write: (line: string) => void this.logged.push(line) } as pino.DestinationStream;
    const logger = createLogger({ level: 'info', name: 'site', destination });
    this.runtime = await openRuntime(loadConfig({ ...this.env, LOG_LEVEL: 'info' }, { mode: 'relay' }), {
      name: 'site',
    });
    this.context = await createCommandContext(this.runtime, logger);
    this.relay = createRelay(this.runtime, this.context, { logger });
    this.relay.start();
    this.up = true;
  }

  async stop(): Promise<void> {
    if (!this.up) return;
    this.up = false;
    await this.relay.stop();
    await this.context.close();
    await closeRuntime(this.runtime);
  }

  async remove(): Promise<void> {
    await this.stop();
    this.spicedb.close();
    await this.server.stop();
    if (this.kept) await this.asAdmin(`drop database if exists ${this.kept} with (force)`);
    await this.database.drop();
  }

  /** A tenant with an admin. */
  async settle(): Promise<Settled> {
    const { ids, clock } = this.runtime;
    const [userId, tenantId, rootWorkspaceId] = [1, 2, 3].map(() => ids.ulid(clock.now())) as [string, string, string];
    const profile = { displayName: `Somebody ${userId}` };
    await this.send(new RegisterUser(this.newContext(), { userId, externalIdentity: null, profile, builtIn: false }));
    const names = { name: `tenant ${tenantId}`, rootWorkspaceName: 'root' };
    await this.send(new CreateTenant(this.newContext(), { tenantId, rootWorkspaceId, creatorId: userId, ...names }));
    return { tenantId, userId };
  }

  async dissolve({ tenantId }: Settled): Promise<void> {
    await this.send(new DeleteTenant(this.newContext(), { tenantId }));
  }

  private newContext() {
    return processContext('test', this.runtime.clock, this.runtime.ids);
  }

  private async send(command: object): Promise<void> {
    await this.context.get(CommandBus).execute(command as never);
  }

  /** Whether everything in the log is delivered by now, or within the time. */
  async delivered(timeoutMs = 30_000): Promise<boolean> {
    const { log, progress } = this.runtime;
    return progress.waitFor('delivered', await log.head(), timeoutMs);
  }

  async operator(...args: string[]): Promise<{ code: number; found: Record<string, unknown> }> {
    const { code, out, errors } = await runOperator([...args, '--json'], this.env);
    if (code > 1) throw new Error(out + errors);
    return { code, found: JSON.parse(out) as Record<string, unknown> };
  }

  async tuplesOf({ tenantId }: Settled): Promise<string[]> {
    return (await this.relationships()).map(({ tuple }) => tuple).filter((tuple) => tuple.includes(tenantId));
  }

  /** All that SpiceDB holds, as a backup of it would. */
  async relationships(): Promise<Update[]> {
    const found: Update[] = [];
    for (const type of definitionsOf((await this.spicedb.readSchema())!)) {
      for await (const page of this.spicedb.readAll(type)) {
        found.push(...page.map(({ tuple, expiresAt }) => ({ operation: 'touch' as const, tuple, expiresAt })));
      }
    }
    return found;
  }

  async restoreRelationships(backup: readonly Update[]): Promise<void> {
    const now = await this.relationships();
    await this.spicedb.write(now.map((update) => ({ ...update, operation: 'delete' as const })));
    if (backup.length > 0) await this.spicedb.write(backup);
  }

  /** While it is stopped. */
  async keepDatabase(): Promise<void> {
    this.kept = `${this.name}_kept`;
    await this.asAdmin(`create database ${this.kept} template ${this.name}`);
  }

  async restoreDatabase(): Promise<void> {
    await this.asAdmin(`drop database ${this.name} with (force)`);
    await this.asAdmin(`create database ${this.name} template ${this.kept!}`);
  }

  async rows<Row extends object>(sql: string): Promise<Row[]> {
    const client = new Client({ connectionString: this.database.url });
    await client.connect();
    try {
      return (await client.query<Row>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  private get name(): string {
    return new URL(this.database.url).pathname.slice(1);
  }

  private async asAdmin(sql: string): Promise<void> {
    const client = new Client({ connectionString: process.env['TEST_POSTGRES_URL'] });
    await client.connect();
    try {
      await client.query(sql);
    } finally {
      await client.end();
    }
  }
}
