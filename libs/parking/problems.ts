import { defineProblems } from '../platform/index.js';

export const parkingProblems = defineProblems({
  'not-parked': { status: 404, title: 'Nothing is parked under this id', next: 'See: operator parked list.' },
  'already-settled': { status: 409, title: 'It is settled already', next: 'See: operator parked list --all.' },
  'event-not-understood': {
    status: 409,
    title: 'This version cannot apply the event either',
    next: 'Run a version that can and retry then, or do what it meant by other commands and: operator parked discard.',
  },
});
