import { Module } from '@nestjs/common';
import { RenameTenantHandler, SetRequestableRolesHandler } from './change-tenant.js';
import {
  CompleteTenantDeletionHandler,
  CompleteTenantCreationHandler,
  CompleteTenantRenamingHandler,
  ReleaseTenantNameHandler,
} from './complete-tenant.js';
import { CreateTenantHandler } from './create-tenant.js';
import { DeleteTenantHandler } from './delete-tenant.js';
import { GetTenantHandler, ListTenantsHandler } from './list-tenants.js';

/** Commands and queries; the routes are with the API. */
@Module({
  providers: [
    CreateTenantHandler,
    CompleteTenantCreationHandler,
    RenameTenantHandler,
    CompleteTenantRenamingHandler,
    ReleaseTenantNameHandler,
    SetRequestableRolesHandler,
    DeleteTenantHandler,
    CompleteTenantDeletionHandler,
    ListTenantsHandler,
    GetTenantHandler,
  ],
})
export class TenantsModule {}
