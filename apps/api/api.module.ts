import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { ApiKeysController } from '../../libs/api-keys/index.js';
import {
  AssignmentsController,
  RoleAssignmentsController,
  TenantMembersController,
  WorkspaceMembersController,
} from '../../libs/assignments/index.js';
import { AuditLogController, SystemAuditLogController } from '../../libs/audit-log/trail.js';
import { authentication } from '../../libs/authentication/index.js';
import { AccessGuard, RateLimitGuard } from '../../libs/edge/index.js';
import { CheckersController } from '../../libs/installation/index.js';
import { ConsistencyController, PermissionsController } from '../../libs/permissions/index.js';
import { RequestsController } from '../../libs/requests/index.js';
import { RolesController } from '../../libs/roles/index.js';
import { ServiceAccountsController } from '../../libs/service-accounts/index.js';
import { TenantsController } from '../../libs/tenants/index.js';
import { MyTokensController, UserTokensController } from '../../libs/tokens/index.js';
import { MeController, UsersController } from '../../libs/users/index.js';
import { type Runtime, RuntimeModule } from '../../libs/wiring/index.js';
import { WorkspacesController } from '../../libs/workspaces/index.js';
import { Draining } from './draining.js';
import { HealthController } from './health.controller.js';

export const controllers: Type<unknown>[] = [
  HealthController,
  MeController,
  MyTokensController,
  UsersController,
  UserTokensController,
  CheckersController,
  TenantsController,
  TenantMembersController,
  WorkspacesController,
  WorkspaceMembersController,
  ServiceAccountsController,
  ApiKeysController,
  RolesController,
  RoleAssignmentsController,
  AssignmentsController,
  RequestsController,
  AuditLogController,
  SystemAuditLogController,
  PermissionsController,
  ConsistencyController,
];

/** The HTTP edge: authenticates, asks SpiceDB, sends commands and queries. */
@Module({})
export class ApiModule {
  static with(runtime: Runtime, draining: Draining): DynamicModule {
    return {
      module: ApiModule,
      imports: [RuntimeModule.with(runtime)],
      controllers,
      providers: [
        { provide: Draining, useValue: draining },
        ...authentication(runtime.config),
        { provide: APP_GUARD, useClass: RateLimitGuard },
        { provide: APP_GUARD, useClass: AccessGuard },
      ],
    };
  }
}
