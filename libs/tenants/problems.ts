import { defineProblems } from '../platform/index.js';

export const tenantProblems = defineProblems({
  'tenant-name-taken': { status: 409, title: 'The name is taken', next: 'Choose another name for the tenant.' },
  'last-admin': {
    status: 409,
    title: 'The last admin',
    next: 'Make another user a tenant admin without an end first.',
  },
});
