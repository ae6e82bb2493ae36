import type { Type } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { isPublic } from '../../libs/authentication/index.js';
import { describeRoute, isForAnyKey, ProblemDocument } from '../../libs/edge/index.js';
import { problemCatalogue } from '../../libs/platform/index.js';
import { controllers } from './api.module.js';
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
  return document;
}

function baseDocument() {
  return new DocumentBuilder()
    .setOpenAPIVersion(OPENAPI_VERSION)
    .setTitle('Countersign')
    .setDescription(
      'Who may do what, and who said so. Errors are RFC 9457 problem documents with one of these codes; ' +
        'any call may also be answered 405, 408, 414 or 431 before a route is found for it.',
    )
    .setVersion('1')
    .addBearerAuth()
    .addApiKey(
      { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'serves in its own tenant alone' },
      'apiKey',
    )
    .addSecurityRequirements('bearer')
    .addSecurityRequirements('apiKey')
    .build();
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
