import type { DomainPart } from '../projections/index.js';
import { roleNamesNoun, rolesNoun } from './roles.noun.js';
import { rolesProcess } from './roles.process.js';
import { rolesModel } from './roles.projection.js';

export { PERMISSIONS, relationOf } from './catalogue.js';
export { withCatalogue } from './catalogue-schema.js';
export { ChangeRole } from './change-role.js';
export { CreateRole } from './create-role.js';
export { DeleteRole } from './delete-role.js';
export { GetRole } from './list-roles.js';
export { roleProblems } from './problems.js';
export * from './role.decider.js';
export { BUILT_IN_NAMES } from './role-resource.js';
export { IsRoleReference } from './role-reference.js';
export { RoleRights } from './role-rights.js';
export { loadRole, requireRole, roleAt, roleNamed } from './role-streams.js';
export { roleIdOf, RolesController } from './roles.controller.js';
export { ROLE_ID } from './roles.documents.js';
export { RolesModule } from './roles.module.js';

export const rolesPart: DomainPart = {
  nouns: [roleNamesNoun, rolesNoun],
  readModels: [rolesModel],
  processes: [rolesProcess],
};
