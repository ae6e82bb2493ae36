import { defineProblems } from '../platform/index.js';

export const tokenProblems = defineProblems({
  'token-name-taken': {
    status: 409,
    title: 'The name is taken',
    next: 'Choose a name that no working token of the user has, or revoke that token first.',
  },
  'token-already-revoked': {
    status: 409,
    title: 'The token is revoked',
    next: 'Nothing is left to do: it works no more.',
  },
});
