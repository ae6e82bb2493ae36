import type { OpenAPIObject } from '@nestjs/swagger';
import { ProblemDocument, type RouteDescription } from '../../libs/edge/index.js';
import { problemKind } from '../../libs/platform/index.js';
import { answerSchema, PROBLEM_CODES, refName, refTo, type Schema, type Schemas } from './openapi-schemas.js';

type Components = NonNullable<OpenAPIObject['components']>;
export type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;
export type Response = Exclude<Operation['responses'][string], undefined | { $ref: string }>;
type RequestBody = Exclude<Operation['requestBody'], undefined | { $ref: string }>;
type Headers = NonNullable<Response['headers']>;

export interface Route extends RouteDescription {
  isPublic: boolean;
  /** Also for keys that are for one tenant, though outside of tenants. */
  isForAnyKey: boolean;
}
export interface Described {
  path: string;
  method: string;
  operation: Operation;
  schemas: Schemas;
  /** Those that operations share. */
  responses: Record<string, Response>;
  route: Route;
}

export const SHARED_PARAMETERS: NonNullable<Components['parameters']> = {
  IdempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    description: 'A repeat with the same key and body has one effect, and gets the first answer.',
    schema: { type: 'string', pattern: '^[\\x21-\\x7e]{1,255}$', maxLength: 255 },
  },
  IfMatch: {
    name: 'If-Match',
    in: 'header',
    description: 'The ETag of the answer the caller knows; refused with 412 when the resource has changed since.',
    schema: { type: 'string', pattern: '^\\s*(\\*|(W/)?"\\d{1,9}")\\s*$' },
  },
  Prefer: {
    name: 'Prefer',
    in: 'header',
    description: '`wait=N`: seconds to wait for the effect, 2 unless told, at most 30; `respond-async` waits for none.',
    schema: { type: 'string' },
    example: 'wait=5',
  },
  ConsistencyToken: {
    name: 'Consistency-Token',
    in: 'header',
    description: 'That of an earlier answer: what it stands for is waited for, so that it is seen.',
    schema: { type: 'string' },
  },
};

export const SHARED_HEADERS: NonNullable<Components['headers']> = {
  ETag: { description: 'The revision, for If-Match.', schema: { type: 'string', pattern: '^"\\d+"$' } },
  ConsistencyToken: {
    description: 'Sent with a later call, lets it see this change.',
    schema: { type: 'string' },
  },
  PreferenceApplied: { description: 'How long was waited at most.', schema: { type: 'string' } },
  RetryAfter: { description: 'Seconds to wait before a repeat.', schema: { type: 'integer', minimum: 1 } },
  WwwAuthenticate: { schema: { type: 'string' } },
  XCorrelationId: { description: 'Names the call in the audit log and the logs.', schema: { type: 'string' } },
};

/** What any call may be answered with, whether or not there is a route for it. */
export const OUTSIDE_OF_ROUTES = [
  'method-not-allowed',
  'call-timeout',
  'address-too-long',
  'headers-too-large',
  'not-found',
];
const ALWAYS = ['internal', 'dependency-unavailable', 'malformed-call', 'malformed-query'];
const KNOWN_CALLER = [
  'unauthenticated',
  'too-many-requests',
  'malformed-token',
  'foreign-log',
  'effect-parked',
  'not-yet',
];
const WITH_BODY = ['malformed-json', 'invalid', 'payload-too-large', 'unsupported-media-type'];
const COMMAND = ['idempotency-key-reused', 'too-much-contention'];

/** Completes what the framework knows of a route. */
export function describeOperation(described: Described): void {
  const { operation, route } = described;
  if (route.isPublic) operation.security = [];
  else if (!takesKeys(described)) operation.security = [{ bearer: [] }];
  describeRequirement(described);
  addParameters(described);
  relaxBody(described);
  describeSuccess(described);
  describeProblems(described);
}

/** What SpiceDB must say before the route runs; where it is missing, any known caller gets to the handler, which decides. */
function describeRequirement({ operation, route: { requirement } }: Described): void {
  if (!requirement) return;
  const { permission, on, seenWith, fresh } = requirement;
  const resource = on === 'system' ? { type: 'system' } : on;
  Object.assign(operation, { 'x-requires': { permission, resource, seenWith, fresh } });
  const needed = `Needs \`${permission}\` on the ${on === 'system' ? 'installation' : on.type.replace('_', ' ')}.`;
  operation.description = [operation.description, needed].filter(Boolean).join(' ');
}

function takesKeys({ path, route }: Pick<Described, 'path' | 'route'>): boolean {
  return route.isForAnyKey || path.includes('{tenantId}');
}

function addParameters({ operation, route }: Described): void {
  const names = [
    ...(route.isCommand ? ['IdempotencyKey', 'Prefer'] : []),
    ...(route.honoursIfMatch ? ['IfMatch'] : []),
    ...(route.isPublic ? [] : ['ConsistencyToken']),
  ];
  operation.parameters = [
    ...(operation.parameters ?? []),
    ...names.map((name) => ({ $ref: `#/components/parameters/${name}` })),
  ];
}

/** An empty body is one without fields. */
function relaxBody({ operation, schemas }: Described): void {
  const body = operation.requestBody as RequestBody | undefined;
  if (!body) return;
  const { schema } = body.content['application/json']!;
  const { anyOf = [schema as Schema] } = schema as Schema;
  const bodies = anyOf.map((one) => schemas[refName(one)]);
  if (bodies.some((one) => (one?.required ?? []).length === 0)) body.required = false;
}

function describeSuccess({ operation, schemas, route }: Described): void {
  const { answer, isCommand } = route;
  const response = Object.values(operation.responses)[0] as Response;
  const tellsRevision = answer && !answer.isPage && schemas[answer.document.name]?.properties?.revision !== undefined;
  response.headers = {
    ...headersOf('X-Correlation-Id'),
    ...(isCommand && headersOf('ETag', 'Consistency-Token', 'Preference-Applied')),
    ...(!isCommand && tellsRevision && headersOf('ETag')),
  };
  response.description = describedAs(route);
  if (!answer) return;
  const $ref = refTo(answerSchema(schemas, answer, isCommand));
  response.content = { 'application/json': { schema: { $ref } } };
}

function describedAs({ answer, isCommand }: Route): string {
  if (answer?.isPage) return 'A page of the list.';
  if (isCommand) return answer ? 'Done: the resource as it is now.' : 'Done.';
  return 'As it is now.';
}

function headersOf(...names: string[]): Headers {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${componentOf(name)}` }]));
}

function componentOf(header: string): string {
  return header
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + (word === 'WWW' ? 'ww' : word.slice(1)))
    .join('');
}

/** Fewer codes than this, and the response is shared by all operations that may answer with just those. */
const CODES_OF_ITS_OWN = 3;

function describeProblems(described: Described): void {
  const { operation, responses } = described;
  for (const [status, codes] of byStatus(codesOf(described))) {
    const response = problemResponse(status, codes.sort());
    if (codes.length >= CODES_OF_ITS_OWN) {
      operation.responses[status] = response;
      continue;
    }
    const name = codes.join('-or-');
    responses[name] = response;
    operation.responses[status] = { $ref: `#/components/responses/${name}` };
  }
}

function problemResponse(status: number, codes: readonly string[]): Response {
  return {
    description: codes.map((code) => `\`${code}\``).join(', '),
    headers: headersOf(
      'X-Correlation-Id',
      ...(status === 401 ? ['WWW-Authenticate'] : []),
      ...(status === 429 || status === 503 ? ['Retry-After'] : []),
    ),
    content: { 'application/problem+json': { schema: { $ref: refTo(ProblemDocument.name) } } },
    ...{ [PROBLEM_CODES]: codes },
  };
}

function byStatus(codes: readonly string[]): Map<number, string[]> {
  const grouped = new Map<number, string[]>();
  for (const code of new Set(codes)) {
    const { status } = problemKind(code)!;
    grouped.set(status, [...(grouped.get(status) ?? []), code]);
  }
  return grouped;
}

export function codesOf({ path, method, route }: Pick<Described, 'path' | 'method' | 'route'>): string[] {
  const { requirement, isPublic, isCommand, honoursIfMatch, problems } = route;
  const isSystem = requirement?.on === 'system';
  return [
    ...ALWAYS,
    ...(isPublic ? [] : KNOWN_CALLER),
    ...(path.includes('{') ? ['malformed-id', 'not-found'] : []),
    ...(isSystem || requirement?.seenWith || !(isPublic || takesKeys({ path, route })) ? ['forbidden'] : []),
    ...(method === 'get' ? [] : WITH_BODY),
    ...(isCommand ? COMMAND : []),
    ...(honoursIfMatch ? ['stale-revision'] : []),
    ...problems,
  ];
}
