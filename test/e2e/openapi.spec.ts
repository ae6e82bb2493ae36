import { readFile } from 'node:fs/promises';
import { renderOpenApi } from '../../apps/generate/openapi-document.js';
import { projectPath } from '../../libs/embedded/index.js';
import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';
import { Conformance, type DocumentedOperation, type JsonSchema, readGolden } from './conformance.js';
import { checkedApp } from './world.js';

const ULID = '^[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}$';
/** Serve the document itself. */
const UNDOCUMENTED = ['/docs', '/openapi.json'];

let app: TestApp;
let conformance: Conformance;

checkedApp(async () => (app = await startTestApp()));

beforeAll(async () => {
  conformance = new Conformance(await readGolden());
});

describe('the document', () => {
  it('is the one that is kept', async () => {
    expect(await renderOpenApi()).toBe(await readFile(projectPath('openapi.json'), 'utf8'));
  });

  it('has every route of the server', () => {
    const documented = conformance.operations.map(({ method, path }) => `${method.toUpperCase()} ${path}`);
    expect(documented.sort()).toEqual(routesOf(app).sort());
  });

  it('names every operation once', () => {
    const ids = conformance.operations.map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[A-Z][A-Za-z]+_[a-z][A-Za-z]+$/);
  });

  it('says what each operation is answered with (RR-042)', () => {
    for (const { operationId, responses } of conformance.operations) {
      const successes = Object.entries(responses).filter(([status]) => Number(status) < 400);
      expect([operationId, successes.length]).toEqual([operationId, 1]);
      const [[status, success]] = successes as [[string, (typeof responses)[string]]];
      if (status === '204') expect(success.content).toBeUndefined();
      else expect(success.content).toMatchObject({ 'application/json': { schema: expect.anything() } });
      for (const [refused, problem] of Object.entries(responses).filter(([code]) => Number(code) >= 400)) {
        const codes = problem['x-problem-codes'] ?? [];
        expect([operationId, refused, codes]).not.toEqual([operationId, refused, []]);
        const examples = Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${code}` }]));
        expect([operationId, refused, problem.content]).toEqual([
          ...[operationId, refused],
          { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' }, examples } },
        ]);
      }
    }
  });

  it('sums up every operation, under one tag that says what it is about', () => {
    const tags = conformance.document.tags.filter(({ description }) => description !== '').map(({ name }) => name);
    for (const { operationId, summary = '', tags: own } of conformance.operations) {
      expect([operationId, summary.length > 0 && summary.length < 60]).toEqual([operationId, true]);
      expect([operationId, own.length, tags.includes(own[0]!)]).toEqual([operationId, 1, true]);
    }
    const used = new Set(conformance.operations.flatMap(({ tags: own }) => own));
    expect(conformance.document.tags.map(({ name }) => name).sort()).toEqual([...used].sort());
  });

  it('shows an example of every body and every answer, and the schema takes it', () => {
    for (const { operationId, requestBody, responses } of conformance.operations) {
      const answers = Object.values(responses).map(({ content }) => content?.['application/json']);
      for (const shown of [requestBody?.content['application/json'], ...answers]) {
        if (shown) expect([operationId, conformance.exampleFaults(shown)]).toEqual([operationId, []]);
      }
    }
    for (const [code, { value }] of Object.entries(conformance.document.components.examples)) {
      const shown = { schema: { $ref: '#/components/schemas/Problem' }, example: value };
      expect([code, conformance.exampleFaults(shown)]).toEqual([code, []]);
      expect(value).toMatchObject({ code });
    }
  });

  it('has ids in paths as ULIDs, except the opaque ids of assignments and the names of built-in roles', () => {
    const others: Record<string, string | undefined> = {
      assignmentId: undefined,
      roleId: `^(?:admin|editor|member)$|${ULID}`,
    };
    for (const { path, parameters = [] } of conformance.operations) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const inPath = parameters.filter((parameter) => parameter.in === 'path');
      expect(inPath.map(({ name }) => name)).toEqual(named);
      for (const { name, schema, required } of inPath) {
        expect({ name, required, pattern: schema.pattern }).toEqual({
          ...{ name, required: true },
          pattern: name in others ? others[name] : ULID,
        });
      }
    }
  });

  it('has the headers of commands, and of reads that see them', () => {
    for (const operation of conformance.operations) {
      const headers = headersOf(operation);
      const isPublic = operation.security?.length === 0;
      expect([operation.path, headers.includes('Consistency-Token')]).toEqual([operation.path, !isPublic]);
      if (!isCommand(operation)) continue;
      expect(headers).toEqual(expect.arrayContaining(['Idempotency-Key', 'Prefer']));
      expect(headers.includes('If-Match')).toBe('412' in operation.responses);
    }
  });

  it('has limits and types for every query parameter', () => {
    for (const { operationId, parameters = [] } of conformance.operations) {
      for (const { name, schema } of parameters.filter((parameter) => parameter.in === 'query')) {
        const { type, enum: values, pattern, format, maxLength, maximum } = schema;
        expect([operationId, name, type]).toEqual([
          operationId,
          name,
          expect.stringMatching(/^(string|integer|boolean)$/),
        ]);
        const isBounded =
          type === 'boolean' || [values, pattern, format, maxLength, maximum].some((limit) => limit !== undefined);
        expect([operationId, name, isBounded]).toEqual([operationId, name, true]);
      }
    }
  });

  it('closes every body, as the API refuses what it does not know', () => {
    const bodies = conformance.operations.flatMap(({ requestBody }) => requestBody?.content['application/json'] ?? []);
    expect(bodies.length).toBeGreaterThan(10);
    for (const { schema } of bodies) expect(openObjects(schema)).toEqual([]);
  });
});

function isCommand({ responses }: DocumentedOperation): boolean {
  return responses['422']?.['x-problem-codes']?.includes('idempotency-key-reused') ?? false;
}

function headersOf({ parameters = [] }: DocumentedOperation): string[] {
  return parameters.filter((parameter) => parameter.in === 'header').map(({ name }) => name);
}

/** Objects in a schema that take more than they name. */
function openObjects(schema: JsonSchema): JsonSchema[] {
  const { properties = {}, items, anyOf = [], oneOf = [], type, additionalProperties } = conformance.resolve(schema);
  const parts = [...Object.values(properties), ...(items ? [items] : []), ...anyOf, ...oneOf];
  const own = type === 'object' && additionalProperties !== false ? [schema] : [];
  return [...own, ...parts.flatMap(openObjects)];
}

/** `GET /v1/tenants/{tenantId}` for all that Fastify answers, as it prints its routes. */
function routesOf({ app: nest }: TestApp): string[] {
  const printed = (nest.getHttpAdapter().getInstance() as { printRoutes(options: object): string }).printRoutes({
    commonPrefix: false,
  });
  const parents: string[] = [];
  return printed.split('\n').flatMap((line) => {
    const [, indent, segment, methods] = /^([│ ]*)[├└]── (\S*)(?: \(([A-Z, ]+)\))?$/u.exec(line) ?? [];
    if (indent === undefined || segment === undefined) return [];
    const depth = indent.length / 4;
    parents.splice(depth, parents.length, segment);
    const path = parents
      .join('')
      .replace(/:(\w+)/g, '{$1}')
      .replace(/(?<=.)\/$/, '');
    if (UNDOCUMENTED.some((prefix) => path.startsWith(prefix))) return [];
    return (methods?.split(', ') ?? []).filter((method) => method !== 'HEAD').map((method) => `${method} ${path}`);
  });
}
