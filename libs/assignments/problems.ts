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
  'until-passed': { status: 422, title: 'The end is in the past', next: 'Choose a time in the future.' },
});
