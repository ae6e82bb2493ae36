import { noun } from '../projections/index.js';
import type { AssignmentEvent } from './assignment.decider.js';
import { assignmentsAudit } from './assignments.audit.js';
import { assignmentRelationships } from './assignments.relationships.js';

export const assignmentsNoun = noun<AssignmentEvent>({
  name: 'assignments',
  types: {
    'role-granted.v1': 'A subject holds a role on a target from one more source.',
    'role-ended.v1': 'Sources of a role ended.',
    'tenant-member-removed.v1': 'A user lost what they held in a tenant and its workspaces.',
    'tenant-service-account-removed.v1': 'A service account lost what it held in its tenant and the workspaces.',
    'role-request-opened.v1': 'A request for a role is open; carries all the request needs.',
    'role-request-closed.v1': 'The open request for a role is not open any more.',
  },
  subjects: { 'role-request-opened.v1': ({ data: { subject } }) => `${subject.type}:${subject.id}` },
  relationships: assignmentRelationships,
  audit: assignmentsAudit,
});
