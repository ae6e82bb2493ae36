import { defineProblems } from '../platform/index.js';

export const roleProblems = defineProblems({
  'role-name-taken': {
    status: 409,
    title: 'The name is taken',
    next: 'Choose a name that no other role of the tenant has.',
  },
  'role-in-use': {
    status: 409,
    title: 'The role is in use',
    next: 'Take it from everybody who holds it: GET /v1/tenants/{tenantId}/roles/{roleId}/assignments lists them.',
  },
  'built-in-role': {
    status: 403,
    title: 'A built-in role cannot be changed',
    next: 'Create a role of the tenant with the permissions that are needed.',
  },
  'role-changed-meanwhile': {
    status: 409,
    title: 'The role was changed at the same time',
    next: 'Read the role again and decide anew.',
  },
});
