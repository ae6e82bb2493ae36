import { defineProblems } from '../platform/index.js';

export const assignmentProblems = defineProblems({
  'subject-not-found': {
    status: 422,
    title: 'No such subject',
    next: 'Name an active user or a service account of the tenant; GET /v1/users lists users for system admins.',
  },
  'role-not-for-service-accounts': {
    status: 422,
    title: 'A service account cannot administrate a tenant',
    next: 'Give it another role on the tenant, or a role on a workspace.',
  },
  'own-membership': {
    status: 403,
    title: 'It is your own membership',
    next: 'Ask another admin of the tenant to change it.',
  },
  'no-such-tenant': {
    status: 404,
    title: 'There is no such tenant',
    next: 'Name one that is there: a tenant that is deleted, or being deleted, gets no admin any more.',
  },
  'not-appointable': {
    status: 409,
    title: 'This user cannot be appointed',
    next: 'Name an active user; GET /v1/users lists users for system admins, POST /v1/users makes a new one.',
  },
  'tenant-has-admin': {
    status: 409,
    title: 'The tenant has an admin',
    next: 'Ask them: who administrates a tenant makes others its admins.',
  },
  'tenant-admin-suspended': {
    status: 409,
    title: 'The tenant has an admin, who is suspended',
    next: 'Reinstate them: POST /v1/users/{userId}/reinstatement, as a system admin. Who is not to come back is deleted.',
  },
  'until-passed': { status: 422, title: 'The end is in the past', next: 'Choose a time in the future.' },
});
