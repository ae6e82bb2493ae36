import { readFile } from 'node:fs/promises';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { projectPath } from '../../libs/embedded/index.js';

export interface JsonSchema {
  $ref?: string;
  type?: string | string[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: boolean | JsonSchema;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  enum?: unknown[];
  format?: string;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
}
interface Referred {
  $ref?: string;
}
export interface Parameter extends Referred {
  name: string;
  in: 'path' | 'query' | 'header';
  required?: boolean;
  schema: JsonSchema;
}
export interface DocumentedContent {
  schema: JsonSchema;
  example?: unknown;
}
export interface DocumentedResponse extends Referred {
  description: string;
  headers?: Record<string, Referred>;
  content?: Record<string, DocumentedContent>;
  'x-problem-codes'?: string[];
}
/** What SpiceDB must say before a route runs. */
export interface DocumentedRequirement {
  permission: string;
  /** The path parameter with the id; the installation has none. */
  resource: { type: string; param?: string };
  /** Who holds this is answered 403 instead of 404. */
  seenWith?: string;
}
export interface Operation {
  'x-requires'?: DocumentedRequirement;
  operationId: string;
  summary?: string;
  tags: string[];
  security?: object[];
  parameters?: Parameter[];
  requestBody?: { required?: boolean; content: Record<string, DocumentedContent> };
  responses: Record<string, DocumentedResponse>;
}
export interface OpenApi {
  paths: Record<string, Record<string, Operation>>;
  tags: { name: string; description: string }[];
  components: {
    schemas: Record<string, JsonSchema>;
    /** By the code of the problem. */
    examples: Record<string, { value: unknown }>;
    [kind: string]: Record<string, object>;
  };
}
export interface DocumentedOperation extends Operation {
  method: string;
  path: string;
}
/** An answer as it came, and what was called. */
export interface Exchange {
  method: string;
  /** With its query, if any. */
  path: string;
  status: number;
  headers: Headers;
  text: string;
}

/** Headers that mean something in an answer of this API; what the transport adds is not documented. */
const MEANINGFUL = ['etag', 'consistency-token', 'preference-applied', 'retry-after', 'www-authenticate'];
const ROUTER_CODES: Record<number, string> = { 404: 'not-found', 405: 'method-not-allowed' };
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** The golden document. */
export async function readGolden(): Promise<OpenApi> {
  return JSON.parse(await readFile(projectPath('openapi.json'), 'utf8')) as OpenApi;
}

/** Compares real answers with a document, in which every object counts as closed. */
export class Conformance {
  /** Operation ids with the statuses that were seen. */
  readonly seen = new Map<string, Set<number>>();
  readonly operations: readonly DocumentedOperation[];
  private readonly ajv = new Ajv2020({ strict: false, allErrors: true });
  private readonly validators = new Map<string, ValidateFunction>();

  constructor(readonly document: OpenApi) {
    this.operations = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, operation]) => this.resolved(path, method, operation)),
    );
    this.ajv.addFormat('date-time', INSTANT);
    this.ajv.addFormat('email', /^[^@\s]+@[^@\s]+$/);
    this.ajv.addSchema({ $id: 'api', components: closed(document.components) as object });
  }

  /** What of an answer the document doesn't say; empty for one that conforms. */
  faults(exchange: Exchange): string[] {
    const { status } = exchange;
    const body = parsed(exchange.text);
    const operation = this.operationOf(exchange);
    if (!operation) return this.problemFaults(exchange, body, [ROUTER_CODES[status] ?? 'malformed-call']);
    this.seen.set(operation.operationId, (this.seen.get(operation.operationId) ?? new Set()).add(status));
    const response = operation.responses[status];
    if (!response) return [`status ${status} is not documented: ${exchange.text.slice(0, 300)}`];
    const undocumented = MEANINGFUL.filter((name) => exchange.headers.has(name) && !documentsHeader(response, name));
    const faults = undocumented.map((name) => `header ${name} is not documented`);
    if (status >= 400) return [...faults, ...this.problemFaults(exchange, body, response['x-problem-codes'] ?? [])];
    if (!response.content) return exchange.text === '' ? faults : [...faults, 'a body is not documented'];
    if (!exchange.headers.get('content-type')?.startsWith('application/json')) faults.push('is not JSON');
    return [...faults, ...this.bodyFaults(response.content['application/json']!.schema, body)];
  }

  /** Why the schema refuses the example beside it; empty when it takes it. */
  exampleFaults({ schema, example }: DocumentedContent): string[] {
    return example === undefined ? ['has no example'] : this.bodyFaults(schema, example);
  }

  resolve<Found extends object>(found: Found & Referred): Found {
    if (found.$ref === undefined) return found;
    const [, , kind, name] = found.$ref.split('/');
    return this.document.components[kind!]![name!] as Found;
  }

  private problemFaults({ status, headers }: Exchange, body: unknown, codes: readonly string[]): string[] {
    const problem = (body ?? {}) as { status?: unknown; code?: unknown };
    return [
      ...(headers.get('content-type')?.startsWith('application/problem+json') ? [] : ['is no problem document']),
      ...(problem.status === status ? [] : [`the problem says ${String(problem.status)}, the answer ${status}`]),
      ...(codes.includes(String(problem.code)) ? [] : [`code ${String(problem.code)} is not documented for ${status}`]),
      ...this.bodyFaults({ $ref: '#/components/schemas/Problem' }, body),
    ];
  }

  private bodyFaults(schema: JsonSchema, body: unknown): string[] {
    const validate = this.validatorOf(schema);
    if (validate(body)) return [];
    return (validate.errors ?? []).map(({ instancePath, message, params }) => {
      return `body${instancePath} ${message} ${JSON.stringify(params)}`;
    });
  }

  private validatorOf(schema: JsonSchema): ValidateFunction {
    const text = JSON.stringify(closed(schema)).replaceAll('"#/components/', '"api#/components/');
    const known = this.validators.get(text) ?? this.ajv.compile(JSON.parse(text) as object);
    this.validators.set(text, known);
    return known;
  }

  private operationOf({ method, path }: Exchange): DocumentedOperation | undefined {
    const [pathname] = path.split('?', 1);
    return this.operations.find((operation) => {
      return operation.method === method.toLowerCase() && patternOf(operation.path).test(pathname!);
    });
  }

  private resolved(path: string, method: string, operation: Operation): DocumentedOperation {
    const parameters = (operation.parameters ?? []).map((parameter) => this.resolve(parameter));
    const responses = Object.entries(operation.responses).map(([status, response]) => [status, this.resolve(response)]);
    return { ...operation, path, method, parameters, responses: Object.fromEntries(responses) };
  }
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}$`);
}

function documentsHeader({ headers = {} }: DocumentedResponse, name: string): boolean {
  return Object.keys(headers).some((documented) => documented.toLowerCase() === name);
}

function parsed(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return text;
  }
}

/** Objects that say nothing of further members have none. */
function closed(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(closed);
  const copy = Object.fromEntries(Object.entries(value).map(([key, child]) => [key, closed(child)]));
  const isOpen = typeof copy.properties === 'object' && copy.type === 'object' && !('additionalProperties' in copy);
  return isOpen ? { ...copy, additionalProperties: false } : copy;
}
