import { defineProblems } from '../platform/index.js';

export const parkingProblems = defineProblems({
  'not-parked': { status: 404, title: 'Nothing is parked under this id', next: 'See: operator parked list.' },
  'already-settled': { status: 409, title: 'It is settled already', next: 'See: operator parked list --all.' },
  'event-needs-replay': {
    status: 409,
    title: 'A whole event is parked',
    next:
      'Run a version that understands the event, then: operator replay all, operator repair. ' +
      'After that: operator parked discard.',
  },
});
