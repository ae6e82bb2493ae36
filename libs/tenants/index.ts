import type { DomainPart } from '../projections/index.js';
import { tenantNamesNoun, tenantsNoun } from './tenants.noun.js';
import { tenantsProcess } from './tenants.process.js';
import { tenantsModel } from './tenants.projection.js';

export { RenameTenant } from './change-tenant.js';
export { CreateTenant } from './create-tenant.js';
export { DeleteTenant } from './delete-tenant.js';
export { GetTenant } from './list-tenants.js';
export { tenantProblems } from './problems.js';
export * from './tenant.decider.js';
export { executeOnTenant, loadTenant, loadTenantName, tenantStream } from './tenant-streams.js';
export { ROOT_WORKSPACE_NAME, TenantsController } from './tenants.controller.js';
export { TenantsModule } from './tenants.module.js';
export { ADMIN_SOURCE_PREFIX } from './tenants.relationships.js';

export const tenantsPart: DomainPart = {
  nouns: [tenantNamesNoun, tenantsNoun],
  readModels: [tenantsModel],
  processes: [tenantsProcess],
};
