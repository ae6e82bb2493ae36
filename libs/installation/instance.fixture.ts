import { type DynamicModule, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { CommandBus, CqrsModule } from '@nestjs/cqrs';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { writeAuditEntries } from '../audit-log/index.js';
import { authentication } from '../authentication/index.js';
import {
  Access,
  AccessGuard,
  CommandEdge,
  ConsistencyTokens,
  EVENT_LOG,
  KYSELY,
  POOL,
  SIGNING_KEY,
  SPICEDB,
} from '../edge/index.js';
import { BEFORE_START, DeciderRuntime, openEventLog } from '../event-store/index.js';
import { foldRelationships, PROGRESS_CHANNEL } from '../outbox/index.js';
import {
  CLOCK,
  createHttpApp,
  createLogger,
  IDS,
  inTransaction,
  ManualClock,
  openKysely,
  openPool,
  pepperOf,
  systemIds,
} from '../platform/index.js';
import { Domain, FollowUps, type Process, Progress, Projector } from '../projections/index.js';
import { serviceAccountsPart, ServiceAccountsModule } from '../service-accounts/index.js';
import { ROOT_WORKSPACE_NAME, TenantsModule, tenantsPart } from '../tenants/index.js';
import {
  ADMIN_TOKEN,
  MyTokensController,
  TOKEN_PEPPERS,
  TokensModule,
  tokensPart,
  UserTokensController,
} from '../tokens/index.js';
import { MeController, UsersController, UsersModule, usersPart } from '../users/index.js';
import { WorkspacesModule, workspacesPart } from '../workspaces/index.js';
import { installationPart, InstallationModule } from './index.js';

export const ADMIN = 'the-admin-token';
export const PEPPER = 'pepper-of-the-specification-00000';

const modules = [InstallationModule, UsersModule, TokensModule, TenantsModule, WorkspacesModule, ServiceAccountsModule];
const parts = [installationPart, usersPart, tokensPart, tenantsPart, workspacesPart, serviceAccountsPart];

@Module({})
class InstanceModule {}

/** One process on a database: an API with its own small relay, in which SpiceDB is asked of the read model. */
export class Instance {
  readonly clock = new ManualClock('2026-02-01T10:00:00.000Z');
  readonly domain = new Domain(parts);
  private readonly projector = new Projector(this.domain.readModels);
  private position = BEFORE_START;
  private relaying: NodeJS.Timeout | undefined;
  private batch: Promise<void> = Promise.resolve();
  app!: NestFastifyApplication;

  private constructor(
    readonly log: Awaited<ReturnType<typeof openEventLog>>,
    readonly pool: ReturnType<typeof openPool>,
    private readonly progress: Progress,
  ) {}

  /** @param processes those that carry commands on; all unless told */
  static async start(databaseUrl: string, processes?: readonly Process[]): Promise<Instance> {
    const log = await openEventLog({ databaseUrl });
    const pool = openPool({ url: databaseUrl, applicationName: 'instance' });
    const progress = new Progress(pool);
    await progress.start();
    const instance = new Instance(log, pool, progress);
    const logger = createLogger({ level: 'silent', name: 'instance' });
    instance.app = await createHttpApp(instance.module(processes ?? instance.domain.processes), { logger });
    await instance.app.init();
    return instance;
  }

  get bus(): CommandBus {
    return this.app.get(CommandBus);
  }

  async eventTypes(): Promise<string[]> {
    return (await this.log.readAll(BEFORE_START, 1_000)).map(({ type }) => type);
  }

  /** Follows the log until it is closed. */
  relay(): void {
    this.relaying = setInterval(() => (this.batch = this.batch.then(() => this.commit())), 10);
  }

  async close(): Promise<void> {
    clearInterval(this.relaying);
    await this.batch;
    await this.app.close();
    await this.progress.close();
    await this.log.close();
    await this.pool.end();
  }

  private async commit(): Promise<void> {
    const stored = await this.log.readAll(this.position, 1_000);
    if (stored.length === 0) return;
    const events = stored.map(await this.domain.registry.decoderOf(stored));
    const position = events.at(-1)!.position;
    await inTransaction(this.pool, async (client) => {
      await writeAuditEntries(client, stored, this.domain.audit);
      await this.projector.project(client, events);
      await foldRelationships(client, 0, events, this.domain.relationships);
      const told = JSON.stringify({ partition: 0, projected: position, delivered: position, zedToken: 'z' });
      await client.query('select pg_notify($1, $2)', [PROGRESS_CHANNEL, told]);
    });
    this.position = position;
  }

  private module(processes: readonly Process[]): DynamicModule {
    const { pool, log, progress, clock, domain } = this;
    const values = [
      { provide: POOL, useValue: pool },
      { provide: KYSELY, useValue: openKysely(pool) },
      { provide: EVENT_LOG, useValue: log },
      { provide: SPICEDB, useValue: { check: this.isAdmin, checkAll: (asked: Asked[]) => this.areAdmins(asked) } },
      { provide: SIGNING_KEY, useValue: 'signing-key-of-the-specification' },
      { provide: ROOT_WORKSPACE_NAME, useValue: undefined },
      { provide: CLOCK, useValue: clock },
      { provide: IDS, useValue: systemIds },
      { provide: TOKEN_PEPPERS, useValue: [pepperOf(PEPPER)] },
      { provide: ADMIN_TOKEN, useValue: ADMIN },
      { provide: Progress, useValue: progress },
      { provide: DeciderRuntime, useValue: new DeciderRuntime(log, domain.registry) },
    ];
    const followUps = {
      provide: FollowUps,
      useFactory: (bus: CommandBus) => new FollowUps(bus, processes),
      inject: [CommandBus],
    };
    const edge = [Access, CommandEdge, ConsistencyTokens];
    return {
      module: InstanceModule,
      global: true,
      imports: [CqrsModule.forRoot(), ...modules],
      controllers: [MeController, MyTokensController, UsersController, UserTokensController],
      providers: [
        ...values,
        followUps,
        ...edge,
        ...authentication({ oidcIssuer: undefined, oidcAudience: undefined }),
        { provide: APP_GUARD, useClass: AccessGuard },
      ],
      exports: [...values.map(({ provide }) => provide), FollowUps, ...edge, CqrsModule],
    };
  }

  private readonly isAdmin = async ({ subject }: Asked): Promise<boolean> => {
    const { rowCount } = await this.pool.query('select 1 from system_admin where $1 = $2 || user_id', [
      subject,
      'user:',
    ]);
    return rowCount === 1;
  };

  private areAdmins(asked: readonly Asked[]): Promise<boolean[]> {
    return Promise.all(asked.map(this.isAdmin));
  }
}

interface Asked {
  subject: string;
}
