import { type DynamicModule, Module } from '@nestjs/common';
import { CommandBus, CqrsModule } from '@nestjs/cqrs';
import type { Pool } from 'pg';
import { ApiKeysModule } from '../api-keys/index.js';
import { AssignmentsModule } from '../assignments/index.js';
import { AuditLogModule } from '../audit-log/trail.js';
import type { SpiceDb } from '../authorization/index.js';
import {
  Access,
  CommandEdge,
  ConsistencyTokens,
  EVENT_LOG,
  KYSELY,
  POOL,
  SIGNING_KEY,
  SPICEDB,
} from '../edge/index.js';
import { DeciderRuntime, type EventLog, EventRegistry } from '../event-store/index.js';
import { InstallationModule } from '../installation/index.js';
import { CLOCK, type Clock, type Config, IDS, type Ids, type Metrics, openKysely } from '../platform/index.js';
import { Domain, FollowUps, Progress } from '../projections/index.js';
import { ParkingModule } from '../parking/index.js';
import { SubjectKeys } from '../personal-data/index.js';
import { PermissionsModule } from '../permissions/index.js';
import { RequestsModule } from '../requests/index.js';
import { RolesModule } from '../roles/index.js';
import { ServiceAccountsModule } from '../service-accounts/index.js';
import { ROOT_WORKSPACE_NAME, TenantsModule } from '../tenants/index.js';
import { ADMIN_TOKEN, TOKEN_PEPPERS, TokensModule } from '../tokens/index.js';
import { UsersModule } from '../users/index.js';
import { WorkspacesModule } from '../workspaces/index.js';
import { CONFIG } from './config-token.js';
import type { FaultHook } from './fault-points.js';

/** What a process has opened before its modules are put together. */
export interface Runtime {
  config: Config;
  pool: Pool;
  log: EventLog;
  spicedb: SpiceDb;
  domain: Domain;
  /** Of personal fields. */
  keys: SubjectKeys;
  progress: Progress;
  clock: Clock;
  ids: Ids;
  metrics: Metrics;
  /** Called at named points, for tests that kill the process there. */
  at?: FaultHook;
}

const domainModules = [
  InstallationModule,
  UsersModule,
  TokensModule,
  ServiceAccountsModule,
  ApiKeysModule,
  TenantsModule,
  WorkspacesModule,
  RolesModule,
  AssignmentsModule,
  RequestsModule,
  AuditLogModule,
  PermissionsModule,
  ParkingModule,
];

/** Commands, queries and what they stand on: the same in the API, the relay and the operator. */
@Module({})
export class RuntimeModule {
  static with(runtime: Runtime): DynamicModule {
    const { config, pool, log, spicedb, domain, keys, progress, clock, ids, at } = runtime;
    const deciders = new DeciderRuntime(log, domain.registry);
    keys.onErasure(() => deciders.forgetStates());
    const providers = [
      { provide: CONFIG, useValue: config },
      { provide: POOL, useValue: pool },
      { provide: KYSELY, useValue: openKysely(pool) },
      { provide: EVENT_LOG, useValue: log },
      { provide: SPICEDB, useValue: spicedb },
      { provide: SIGNING_KEY, useValue: config.signingKey },
      { provide: ADMIN_TOKEN, useValue: config.adminToken },
      { provide: TOKEN_PEPPERS, useValue: config.tokenPeppers },
      { provide: ROOT_WORKSPACE_NAME, useValue: config.defaultWorkspaceName },
      { provide: CLOCK, useValue: clock },
      { provide: IDS, useValue: ids },
      { provide: Domain, useValue: domain },
      { provide: SubjectKeys, useValue: keys },
      { provide: Progress, useValue: progress },
      { provide: EventRegistry, useValue: domain.registry },
      { provide: DeciderRuntime, useValue: deciders },
      {
        provide: FollowUps,
        useFactory: (bus: CommandBus) => new FollowUps(bus, domain.processes, at && (() => at('before-follow-up'))),
        inject: [CommandBus],
      },
      Access,
      CommandEdge,
      ConsistencyTokens,
    ];
    return {
      module: RuntimeModule,
      global: true,
      imports: [CqrsModule.forRoot(), ...domainModules],
      providers,
      exports: [
        ...providers.map((provider) => ('provide' in provider ? provider.provide : provider)),
        ...domainModules,
        CqrsModule,
      ],
    };
  }
}
