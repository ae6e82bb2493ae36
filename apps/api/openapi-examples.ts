import type { OpenAPIObject } from '@nestjs/swagger';
import { problemCatalogue, problemFor } from '../../libs/platform/index.js';
import type { Operation, Response } from './openapi-operations.js';
import { PROBLEM_CODES, refName, type Schema, type Schemas } from './openapi-schemas.js';

const ID = '01M7YSVDCC1E8W2TS1BHPB9V2X';
const ULID_START = '^[0-7][0-9A-HJ';
const INSTANT = '2026-01-31T12:00:00.000Z';
/** What the field `name` holds, by the tag of the operation. */
const NAME_BY_TAG: Readonly<Record<string, string>> = {
  ...{ tenants: 'Acme', workspaces: 'Payments', roles: 'On call', tokens: 'laptop' },
  ...{ 'service accounts': 'deployment', 'API keys': 'nightly report' },
};
/** What fields hold of which a schema says too little, or of which its first value misleads. */
const BY_NAME: Readonly<Record<string, unknown>> = {
  ...{ displayName: 'Ann', email: 'ann@example.com', reviewNote: 'welcome', revocationNote: 'released' },
  ...{ issuer: 'https://id.example.com', subject: '00u1a2b3', authentication: 'oidc', systemAdmin: false },
  ...{ reason: 'on call this week', note: 'welcome', description: 'Whoever is on call.', field: 'name' },
  ...{ role: 'editor', source: 'direct', sources: ['direct'], permissions: ['apps:read'], missing: ['apps:read'] },
  ...{ builtIn: false, isRoot: false, effective: true, erased: false, revision: 1, sequence: 12, position: 4711 },
  ...{ id: ID, createdBy: ID, grantedBy: ID, requestId: ID, closeReason: null, revokedAt: null, expiresIn: 3600 },
  ...{ userAgent: 'curl/8.5.0', ip: '192.0.2.7', prefix: 'csn_key_01M7', hash: '0f'.repeat(32), limit: 50 },
  ...{ eventId: '0b6a6d3e-5c0f-5a0e-9d1f-6f2a1c1e3c0b', commandId: '6f2a1c1e-3c0b-4d4f-9a53-0c6f1b7de2a4' },
  ...{ correlationId: '5d4f9a53-0c6f-4b7d-a2a4-1c1e3c0b6f2a', causationId: null, nextCursor: null },
  ...{ token: 'eyJpIjoi….…', secret: 'csn_pat_…', zedToken: 'GhUKEzE3…', cursor: 'eyJ2Ijoi….…' },
  ...{ oldValues: { name: 'Acme' }, newValues: { name: 'Acme Ltd' }, personal: null },
};

/** Adds an example to every body and answer, and one to every code that a call may be refused with. */
export function addExamples(document: OpenAPIObject): void {
  const schemas = document.components!.schemas as Schemas;
  const used = new Set<string>();
  for (const item of Object.values(document.paths)) {
    for (const { tags, requestBody, responses } of Object.values(item as Record<string, Operation>)) {
      const examples = new Examples(schemas, NAME_BY_TAG[tags?.[0] ?? '']);
      const body = requestBody && 'content' in requestBody ? requestBody.content['application/json'] : undefined;
      if (body) body.example = examples.body(body.schema as Schema);
      for (const response of Object.values(responses)) illustrate(response as Response, examples, used);
    }
  }
  const examples = new Examples(schemas);
  for (const response of Object.values(document.components!.responses ?? {})) {
    illustrate(response as Response, examples, used);
  }
  const problems = problemCatalogue().filter(({ code }) => used.has(code));
  document.components!.examples = Object.fromEntries(
    problems.map(({ code, title, members = {} }) => {
      const value = problemFor(
        code,
        undefined,
        examples.answer({ properties: members, required: Object.keys(members) }),
      );
      return [code, { summary: title, value }];
    }),
  );
}

/** Examples of what schemas describe. */
class Examples {
  constructor(
    private readonly schemas: Schemas,
    private readonly name = 'Acme',
  ) {}

  /** What has to be there or has an example of its own; everything where nothing has to be. */
  body(given: Schema): unknown {
    return this.objectOf(given, ({ required = [], properties = {} }, name) => {
      const isChosen = (property: string) => required.includes(property) || properties[property]!.example !== undefined;
      return isChosen(name) || !Object.keys(properties).some(isChosen);
    });
  }

  /** What is always there. */
  answer(given: Schema): Record<string, unknown> {
    return this.objectOf(given, ({ required = [] }, name) => required.includes(name)) as Record<string, unknown>;
  }

  private objectOf(given: Schema, isShown: (schema: Schema, name: string) => boolean): unknown {
    const schema = given.$ref ? { ...this.schemas[refName(given)]!, ...given } : given;
    if (schema.example !== undefined) return schema.example;
    const [variant] = schema.anyOf ?? schema.oneOf ?? [];
    if (variant) return this.objectOf(variant, isShown);
    const shown = Object.entries(schema.properties ?? {}).filter(([name]) => isShown(schema, name));
    return Object.fromEntries(
      shown.map(([name, property]) => [name, this.valueOf(name, property, (part) => this.objectOf(part, isShown))]),
    );
  }

  private valueOf(name: string, property: Schema, objectOf: (schema: Schema) => unknown): unknown {
    const { type, enum: values, format, pattern, items, example, minimum = 1 } = property;
    const types = [type].flat();
    if (example !== undefined) return example;
    if (pattern?.startsWith(ULID_START)) return ID;
    const isObject = types.includes('object') || property.$ref !== undefined;
    if (name === 'name' && !isObject) return this.name;
    if (name in BY_NAME && (!isObject || property.additionalProperties)) return BY_NAME[name];
    if (values) return values[0];
    if (format === 'date-time') return INSTANT;
    if (types.includes('array')) return [this.valueOf('item', items ?? {}, objectOf)];
    if (types.includes('boolean')) return true;
    if (types.includes('integer') || types.includes('number')) return minimum;
    return types.includes('string') ? 'text' : objectOf(property);
  }
}

function illustrate(response: Response, examples: Examples, used: Set<string>): void {
  const answer = response.content?.['application/json'];
  if (answer?.schema) answer.example = examples.answer(answer.schema as Schema);
  const problem = response.content?.['application/problem+json'];
  const codes = (response as { [PROBLEM_CODES]?: string[] })[PROBLEM_CODES] ?? [];
  if (!problem) return;
  for (const code of codes) used.add(code);
  problem.examples = Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${code}` }]));
}
