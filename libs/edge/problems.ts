import { defineProblems } from '../platform/index.js';

export const edgeProblems = defineProblems({
  'malformed-token': {
    status: 400,
    title: 'Malformed consistency token',
    next: 'Send a token that an earlier answer gave, unchanged, or none.',
  },
  'permissions-missing': {
    status: 403,
    title: 'Nobody passes on what they do not hold',
    next: 'Ask somebody who holds these permissions, or leave them out.',
    members: {
      missing: {
        type: 'array',
        items: { type: 'string' },
        description: 'the permissions that the caller does not hold',
      },
    },
  },
  'foreign-log': {
    status: 409,
    title: 'The token is of another event log',
    next: 'The log was replaced since the token was given, or has lost what it stands for. Read again without a token.',
  },
  'effect-parked': {
    status: 409,
    title: 'The effect is parked',
    next: 'SpiceDB refused a relationship of this change. An operator sees it with: operator parked list.',
  },
  'idempotency-key-reused': {
    status: 422,
    title: 'The key belongs to another call',
    next: 'Use a new Idempotency-Key for a new call; repeat a call with the same body to get its first answer.',
  },
  'too-much-contention': {
    status: 409,
    title: 'Too many changes at once',
    next: 'Others keep changing the same thing. Repeat the call.',
  },
});
