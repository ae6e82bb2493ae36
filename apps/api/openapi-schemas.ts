import type { OpenAPIObject } from '@nestjs/swagger';
import { type DescribedAnswer, ProblemDocument, REVISION } from '../../libs/edge/index.js';
import type { problemCatalogue } from '../../libs/platform/index.js';

/** JSON Schema as far as it stands in the document. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  nullable?: boolean;
  description?: string;
  enum?: unknown[];
  properties?: Schemas;
  required?: string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  allOf?: Schema[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  format?: string;
  pattern?: string;
  minimum?: number;
  example?: unknown;
  [keyword: string]: unknown;
}
export type Schemas = Record<string, Schema>;

/** The codes of a response, or those whose problems have a member. */
export const PROBLEM_CODES = 'x-problem-codes';
const SCHEMAS = '#/components/schemas/';
/** What a field means wherever it stands, unless more is said of it there. */
const MEANINGS: Readonly<Record<string, string>> = {
  createdAt: 'when it was made',
  updatedAt: 'when it was changed the last time',
  revokedAt: 'null while it is not revoked',
  expiresAt: 'from when on it is refused; null for one without an end',
  until: 'when it ends by itself; null for one without an end',
  revision: 'counts its changes; `"3"` in If-Match asks for the third',
};
const ANSWER_MEMBERS: Schemas = {
  revision: { ...REVISION, description: 'of the resource; also in the header ETag' },
  token: { type: 'string', description: 'also in the header Consistency-Token' },
  effective: { type: 'boolean', description: 'whether the change was live when this was answered' },
};

export function refTo(name: string): string {
  return `${SCHEMAS}${name}`;
}

export function refName({ $ref = '' }: Schema): string {
  return $ref.slice(SCHEMAS.length);
}

/** Adds the schema of an answer where it is more than the document itself, and returns its name. */
export function answerSchema(schemas: Schemas, { document, isPage }: DescribedAnswer, isCommand: boolean): string {
  const stem = document.name.replace(/Document$/, '');
  if (isPage) {
    schemas[`${stem}Page`] = pageOf(document.name);
    return `${stem}Page`;
  }
  if (!isCommand) return document.name;
  const { description, properties, required = [] } = schemas[document.name]!;
  schemas[`${stem}Answer`] = {
    type: 'object',
    ...(description !== undefined && { description }),
    properties: { ...properties, ...ANSWER_MEMBERS },
    required: [...new Set([...required, ...Object.keys(ANSWER_MEMBERS)])],
  };
  return `${stem}Answer`;
}

function pageOf(item: string): Schema {
  return {
    type: 'object',
    properties: {
      items: { type: 'array', items: { $ref: refTo(item) } },
      nextCursor: { type: ['string', 'null'], description: 'asks for what comes after; null at the end' },
    },
    required: ['items', 'nextCursor'],
  };
}

/** Makes the schemas of a whole document those of OpenAPI 3.1, and drops what nothing refers to. */
export function writeSchemas(
  document: OpenAPIObject,
  schemas: Schemas,
  problems: ReturnType<typeof problemCatalogue>,
): void {
  describeProblem(schemas[ProblemDocument.name]!, problems);
  closeBodies(document, schemas);
  const used = reachable(document, schemas);
  const names = Object.keys(schemas).filter((name) => used.has(name));
  document.components!.schemas = Object.fromEntries(names.sort().map((name) => [name, modern(schemas[name]!)]));
}

function describeProblem({ properties = {} }: Schema, catalogue: ReturnType<typeof problemCatalogue>): void {
  properties.code = { ...properties.code, enum: catalogue.map(({ code }) => code) };
  for (const { code, members = {} } of catalogue) {
    for (const [name, schema] of Object.entries(members)) {
      const codes = (properties[name]?.[PROBLEM_CODES] as string[] | undefined) ?? [];
      properties[name] = { ...schema, [PROBLEM_CODES]: [...codes, code] };
    }
  }
}

/** A body with members that are not known is refused. */
function closeBodies({ paths }: OpenAPIObject, schemas: Schemas): void {
  const bodies = Object.values(paths).flatMap((item) => Object.values(item).map(({ requestBody }) => requestBody));
  for (const name of reachable(bodies, schemas)) schemas[name]!.additionalProperties = false;
}

function reachable(from: unknown, schemas: Schemas): Set<string> {
  const found = new Set<string>();
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, child] of Object.entries(value)) {
      if (key !== '$ref' || typeof child !== 'string' || !child.startsWith(SCHEMAS)) visit(child);
      else if (!found.has(child.slice(SCHEMAS.length))) {
        found.add(child.slice(SCHEMAS.length));
        visit(schemas[child.slice(SCHEMAS.length)]);
      }
    }
  };
  visit(withoutSchemas(from));
  return found;
}

function withoutSchemas(from: unknown): unknown {
  return typeof from === 'object' && from !== null && 'components' in from ? { ...from, components: undefined } : from;
}

/** 3.1 has no `nullable`, and lets a description stand beside a reference. */
function modern({ nullable = false, allOf, ...schema }: Schema): Schema {
  const { properties, items, additionalProperties, oneOf } = schema;
  if (allOf?.length === 1) {
    const { type: _type, ...beside } = schema;
    return nullable ? { ...beside, anyOf: [allOf[0]!, { type: 'null' }] } : { ...beside, ...allOf[0] };
  }
  return {
    ...schema,
    ...(nullable && { type: [schema.type as string, 'null'] }),
    ...(nullable && schema.enum && { enum: [...schema.enum, null] }),
    ...(properties && { properties: mapValues(properties, (property, name) => modern(explained(property, name))) }),
    ...(items && { items: modern(items) }),
    ...(oneOf && { oneOf: oneOf.map(modern) }),
    ...(typeof additionalProperties === 'object' && { additionalProperties: modern(additionalProperties) }),
  };
}

function explained(property: Schema, name: string): Schema {
  const description = property.description ?? MEANINGS[name];
  return description === undefined ? property : { ...property, description };
}

function mapValues(schemas: Schemas, change: (schema: Schema, name: string) => Schema): Schemas {
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, change(schema, name)]));
}
