import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { ShutdownSignal } from '@nestjs/common';
import { createHttpApp, type Logger } from '../../libs/platform/index.js';
import type { Runtime } from '../../libs/wiring/index.js';
import { ApiModule } from './api.module.js';
import { serveOpenApi } from './openapi.js';
import { translateError } from './translate-error.js';

export interface ApiOptions {
  logger: Logger;
  docs: boolean;
  shutdownSignals?: ShutdownSignal[];
}

/** The API on a runtime, initialised and not listening yet. */
export async function createApi(runtime: Runtime, options: ApiOptions): Promise<NestFastifyApplication> {
  const { trustProxy } = runtime.config;
  const { logger, shutdownSignals } = options;
  const app = await createHttpApp(ApiModule.with(runtime), { logger, trustProxy, translateError, shutdownSignals });
  if (options.docs) serveOpenApi(app);
  await app.init();
  return app;
}
