import type { RefusalExtra } from './refusal.js';

export interface ProblemKind {
  status: number;
  title: string;
  /** What the caller can do next. */
  next: string;
  /** Seconds for the `Retry-After` header. */
  retryAfter?: number;
  /** JSON schemas of what the answer holds beyond the members of every problem. */
  members?: { readonly [name: string]: { readonly [keyword: string]: unknown } };
}

export interface FieldError {
  /** Dot path of the field. */
  field: string;
  message: string;
}

/** The body of an `application/problem+json` answer (RFC 9457). */
export interface Problem {
  type: string;
  title: string;
  status: number;
  code: string;
  detail?: string;
  next: string;
  field?: string;
  errors?: FieldError[];
  [extension: string]: unknown;
}

const CODE = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const kinds = new Map<string, ProblemKind>();

/** Adds codes to the catalogue; each code is declared once. Returns what it was given. */
export function defineProblems<const Kinds extends Record<string, ProblemKind>>(added: Kinds): Kinds {
  for (const [code, kind] of Object.entries(added)) {
    if (!CODE.test(code)) throw new Error(`problem code "${code}" is not kebab-case`);
    if (kinds.has(code)) throw new Error(`problem code "${code}" is declared twice`);
    kinds.set(code, kind);
  }
  return added;
}

export function problemKind(code: string): ProblemKind | undefined {
  return kinds.get(code);
}

/** Every declared code in alphabetical order. */
export function problemCatalogue(): ({ code: string; type: string } & ProblemKind)[] {
  return [...kinds]
    .map(([code, kind]) => ({ code, type: problemType(code), ...kind }))
    .sort((left, right) => (left.code < right.code ? -1 : 1));
}

function problemType(code: string): string {
  return `urn:problem-type:countersign:${code}`;
}

/**
 * The answer for a declared code. `not-found` says the same whatever is given here: what is missing, foreign and hidden
 * can't be told apart.
 * @throws when the code isn't declared
 */
export function problemFor(code: string, detail?: string, extra: RefusalExtra = {}): Problem {
  const kind = kinds.get(code);
  if (!kind) throw new Error(`problem code "${code}" is not declared`);
  const { status, title, next } = kind;
  const constant = { type: problemType(code), title, status, code };
  if (code === 'not-found') return { ...constant, next };
  const promised = { ...constant, ...(detail === undefined ? {} : { detail }), next };
  return { ...promised, ...extra, ...promised };
}

defineProblems({
  'malformed-json': { status: 400, title: 'The body is not JSON', next: 'Send a body that is valid JSON.' },
  'malformed-id': { status: 400, title: 'Malformed id', next: 'Use the 26-character id that an earlier answer gave.' },
  'malformed-query': {
    status: 400,
    title: 'Malformed query',
    next: 'Correct the query parameter that is named and repeat the call.',
  },
  'malformed-call': { status: 400, title: 'Malformed call', next: 'Correct the path or the headers and repeat.' },
  unauthenticated: {
    status: 401,
    title: 'Who are you?',
    next: 'Send a valid token in the header: Authorization: Bearer <token>, or an API key in the header: X-API-Key.',
  },
  forbidden: {
    status: 403,
    title: 'Not allowed',
    next: 'Ask somebody who holds the permission to do it or to grant it.',
  },
  'not-found': {
    status: 404,
    title: 'Not found',
    next: 'Check the path and the ids, and that you may see what they name.',
  },
  'method-not-allowed': {
    status: 405,
    title: 'Method not allowed',
    next: 'Use one of the methods that the Allow header lists.',
    members: { allow: { type: 'array', items: { type: 'string' }, description: 'the methods that are offered' } },
  },
  'call-timeout': { status: 408, title: 'The call took too long to arrive', next: 'Repeat the call.' },
  conflict: { status: 409, title: 'Not possible in this state', next: 'Read the resource again and decide anew.' },
  'stale-revision': {
    status: 412,
    title: 'Somebody else changed it',
    next: 'Read the resource again and repeat the change with its present ETag in If-Match.',
  },
  'payload-too-large': { status: 413, title: 'The body is too large', next: 'Send a smaller body.' },
  'address-too-long': { status: 414, title: 'The address is too long', next: 'Send a shorter path and query.' },
  'unsupported-media-type': {
    status: 415,
    title: 'Unsupported media type',
    next: 'Send the body as JSON with the header: Content-Type: application/json.',
  },
  invalid: { status: 422, title: 'Invalid', next: 'Correct the fields that are named and repeat the call.' },
  'too-many-requests': {
    status: 429,
    title: 'Too many calls',
    next: 'Wait for the seconds in Retry-After and repeat the call.',
    retryAfter: 60,
  },
  'headers-too-large': { status: 431, title: 'The headers are too large', next: 'Send fewer or shorter headers.' },
  internal: {
    status: 500,
    title: 'Something went wrong here',
    next: 'Repeat the call later; if it fails again, report the correlation id.',
    members: { correlationId: { type: 'string' } },
  },
  'dependency-unavailable': {
    status: 503,
    title: 'A dependency is unavailable',
    next: 'Wait for the seconds in Retry-After and repeat the same call.',
    retryAfter: 2,
  },
  'not-yet': {
    status: 503,
    title: 'Not yet',
    next: 'What you wait for is under way: wait for the seconds in Retry-After and repeat the same call.',
    retryAfter: 1,
  },
});
