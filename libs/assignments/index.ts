import type { DomainPart } from '../projections/index.js';
import { assignmentsNoun } from './assignments.noun.js';
import { assignmentsProcess } from './assignments.process.js';
import { assignmentsModel } from './assignments.projection.js';

export { AppointAdmin } from './appoint-admin.js';
export * from './assignment.decider.js';
export * from './assignment-streams.js';
export { AssignmentsController } from './assignments.controller.js';
export { AssignmentsModule } from './assignments.module.js';
export { endedBy, EndRole } from './end-role.js';
export { BY_PROCESS, GrantRole, requireFit } from './grant-role.js';
export { latestEnd } from './member-resource.js';
export { TenantMembersController, WorkspaceMembersController } from './members.controller.js';
export { assignmentProblems } from './problems.js';
export { namedRole, requireOf, rightToChange, roleInFilter } from './role-giving.js';
export { RoleAssignmentsController } from './role-assignments.controller.js';
export { RemoveTenantMember } from './remove-member.js';
export { TARGET_TYPES, TargetBody, TargetDocument } from './target-body.js';

export const assignmentsPart: DomainPart = {
  nouns: [assignmentsNoun],
  readModels: [assignmentsModel],
  processes: [assignmentsProcess],
};
