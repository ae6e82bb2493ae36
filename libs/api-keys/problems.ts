import { defineProblems } from '../platform/index.js';

export const apiKeyProblems = defineProblems({
  'api-key-name-taken': {
    status: 409,
    title: 'The name is taken',
    next: 'Choose a name that no working API key of yours for this tenant has, or revoke that key first.',
  },
  'api-key-already-revoked': {
    status: 409,
    title: 'The API key is revoked',
    next: 'Nothing is left to do: it works no more.',
  },
});
