import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { problemCatalogue } from '../../libs/platform/index.js';

/** The OpenAPI document of the running routes. */
export function createOpenApi(app: NestFastifyApplication): OpenAPIObject {
  const codes = problemCatalogue().map(({ code, status, title }) => `| \`${code}\` | ${status} | ${title} |`);
  const config = new DocumentBuilder()
    .setTitle('Countersign')
    .setDescription(
      'Who may do what, and who said so. Errors are RFC 9457 problem documents with one of these codes:\n\n' +
        `| code | status | title |\n|---|---|---|\n${codes.join('\n')}`,
    )
    .setVersion('1')
    .addBearerAuth()
    .addSecurityRequirements('bearer')
    .build();
  return SwaggerModule.createDocument(app, config, {
    operationIdFactory: (controller, method) => `${controller.replace(/Controller$/, '')}_${method}`,
  });
}

/** Serves the document and a page to read it: `/openapi.json`, `/docs`. */
export function serveOpenApi(app: NestFastifyApplication): void {
  SwaggerModule.setup('docs', app, createOpenApi(app), {
    jsonDocumentUrl: 'openapi.json',
    customSiteTitle: 'Countersign',
  });
}
