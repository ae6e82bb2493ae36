import type { Type } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { isPublic } from '../../libs/authentication/index.js';
import { describeRoute, isForAnyKey, ProblemDocument } from '../../libs/edge/index.js';
import { problemCatalogue } from '../../libs/platform/index.js';
import { controllers } from './api.module.js';
import { addExamples } from './openapi-examples.js';
import {
  codesOf,
  describeOperation,
  type Operation,
  OUTSIDE_OF_ROUTES,
  type Response,
  type Route,
  SHARED_HEADERS,
  SHARED_PARAMETERS,
} from './openapi-operations.js';
import { type Schemas, writeSchemas } from './openapi-schemas.js';

const OPENAPI_VERSION = '3.1.0';
/** Before the table of problem codes. */
const INTRODUCTION = `Who may do what, and who said so.

**Calls** carry \`Authorization: Bearer …\` or \`X-API-Key: …\`. Ids are ULIDs of 26 characters, instants are ISO 8601 in UTC. A member of a body or a query that is not described here is refused.

**Changes** may carry \`Idempotency-Key\`: a repeated call gets the first answer; \`If-Match\`: a change that somebody else made in between is not overwritten; and \`Prefer: wait=10\`: seconds to wait until the change is live for permissions and lists. The answer says with \`effective\` whether it is. Its \`Consistency-Token\`, sent with any later call, makes that call see the change.

**Lists** are read in pages of \`limit\`; \`nextCursor\`, sent as \`cursor\`, asks for the next, and is null at the end.

**Errors** are RFC 9457 problem documents with one of these codes; \`next\` says what to do. Any call may also be answered 405, 408, 414 or 431 before a route is found for it.`;

/** In the order in which somebody new would read about them. */
const TAGS: Readonly<Record<string, string>> = {
  tenants: 'An organisation, with members, workspaces, roles and an audit log of its own.',
  workspaces: 'The tree of workspaces in a tenant; its root comes with the tenant.',
  members: 'Who holds roles on a tenant itself, or on a workspace itself.',
  roles: 'Built-in roles, and those that a tenant defines from a fixed catalogue of permissions.',
  assignments: 'Who holds what in a tenant and its workspaces: gives roles, takes them, and lists them by source.',
  requests: 'Asking for a role, deciding, withdrawing, and revoking what was granted.',
  users: 'People, and the caller.',
  tokens: 'Tokens with which people call.',
  'API keys': 'Keys with which scripts call as a member, in one tenant.',
  'service accounts': 'Machines of a tenant, and the tokens with which they call.',
  permissions: 'What somebody may do, and how fresh the answer is.',
  checkers: 'Who may ask what others may do, in every tenant.',
  'audit log': 'What happened, who did it, and the hashes that prove it.',
  operation: 'For those who run the process; anybody may call them.',
};

/** The OpenAPI document of the running routes. */
export function createOpenApi(app: NestFastifyApplication): OpenAPIObject {
  const routes = describedRoutes();
  const documents = [...routes.values()].flatMap(({ answer }) => answer?.document ?? []);
  const document = SwaggerModule.createDocument(app, baseDocument(), {
    operationIdFactory: operationId,
    extraModels: [ProblemDocument, ...documents],
  });
  const schemas = document.components!.schemas as Schemas;
  const responses: Record<string, Response> = {};
  const operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item as Record<string, Operation>).map(([method, operation]) => {
      return { path, method, operation, schemas, responses, route: routes.get(operation.operationId!)! };
    }),
  );
  operations.forEach(describeOperation);
  const used = new Set([...OUTSIDE_OF_ROUTES, ...operations.flatMap(codesOf)]);
  const problems = problemCatalogue().filter(({ code }) => used.has(code));
  document.info.description = `${document.info.description}\n\n${problemTable(problems)}`;
  Object.assign(document.components!, { responses, parameters: SHARED_PARAMETERS, headers: SHARED_HEADERS });
  writeSchemas(document, schemas, problems);
  addExamples(document);
  return withPublicNames(document);
}

/** A client has no use for what documents are called in here: `TenantDocument` is a `Tenant`. */
function withPublicNames(document: OpenAPIObject): OpenAPIObject {
  const renamed = JSON.stringify(document).replace(/(#\/components\/schemas\/\w+)Document"/g, '$1"');
  const published = JSON.parse(renamed) as OpenAPIObject;
  const schemas = Object.entries(published.components!.schemas!);
  published.components!.schemas = Object.fromEntries(
    schemas.map(([name, schema]) => [name.replace(/Document$/, ''), schema]),
  );
  return published;
}

function baseDocument() {
  const builder = new DocumentBuilder()
    .setOpenAPIVersion(OPENAPI_VERSION)
    .setTitle('Countersign')
    .setDescription(INTRODUCTION)
    .setVersion('1')
    .addSecurity('bearer', {
      ...{ type: 'http', scheme: 'bearer' },
      description: 'a token of a person or a service account, or one of the identity provider',
    })
    .addApiKey(
      { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'serves in its own tenant alone' },
      'apiKey',
    )
    .addSecurityRequirements('bearer')
    .addSecurityRequirements('apiKey');
  for (const [name, description] of Object.entries(TAGS)) builder.addTag(name, description);
  return builder.build();
}

function problemTable(problems: ReturnType<typeof problemCatalogue>): string {
  const rows = problems.map(({ code, status, title }) => `| \`${code}\` | ${status} | ${title} |`);
  return `| code | status | title |\n|---|---|---|\n${rows.join('\n')}`;
}

function operationId(controller: string, method: string): string {
  return `${controller.replace(/Controller$/, '')}_${method}`;
}

/** By operation id. */
function describedRoutes(): Map<string, Route> {
  return new Map(controllers.flatMap((controller) => methodsOf(controller).map((name) => described(controller, name))));
}

function described(controller: Type<unknown>, name: string): [string, Route] {
  const handler = (controller.prototype as Record<string, object>)[name]!;
  return [
    operationId(controller.name, name),
    {
      ...describeRoute(controller, name),
      isPublic: isPublic(handler, controller),
      isForAnyKey: isForAnyKey(handler, controller),
    },
  ];
}

function methodsOf({ prototype }: Type<unknown>): string[] {
  return Object.getOwnPropertyNames(prototype).filter((name) => name !== 'constructor');
}

/** Serves the document and a page to read it: `/openapi.json`, `/docs`. */
export function serveOpenApi(app: NestFastifyApplication): void {
  SwaggerModule.setup('docs', app, createOpenApi(app), {
    jsonDocumentUrl: 'openapi.json',
    customSiteTitle: 'Countersign',
  });
}
