import { defineProblems } from '../platform/index.js';

export const userProblems = defineProblems({
  'identity-taken': {
    status: 409,
    title: 'The external identity is taken',
    next: 'Look for the user who has it; an identity never passes on to another user.',
  },
  'user-inactive': {
    status: 409,
    title: 'The user is not active',
    next: 'Nothing can be changed for a user who was deactivated.',
  },
  'user-suspended': {
    status: 409,
    title: 'The user is suspended',
    next: 'Reinstate them first: POST /v1/users/{userId}/reinstatement.',
  },
  'own-suspension': {
    status: 409,
    title: 'You cannot suspend yourself',
    next: 'Ask another system administrator.',
  },
  'built-in-user': {
    status: 409,
    title: 'Not possible with the built-in administrator',
    next: 'It stays, so that there is always somebody who can let others in.',
  },
});
