import { setTimeout as pause } from 'node:timers/promises';
import { CommandBus } from '@nestjs/cqrs';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { ShutdownSignal } from '@nestjs/common';
import { initialiseInstallation } from '../../libs/installation/index.js';
import { createHttpApp, type Logger, serveMetrics, type SideServer } from '../../libs/platform/index.js';
import {
  closeRuntime,
  type FaultHook,
  onceReachable,
  openRuntime,
  requireMigrated,
  type Running,
  type Runtime,
  type Starting,
  takenPort,
} from '../../libs/wiring/index.js';
import { ApiModule } from './api.module.js';
import { Draining } from './draining.js';
import { serveOpenApi } from './openapi.js';
import { translateError } from './translate-error.js';

export interface ApiOptions {
  logger: Logger;
  docs: boolean;
  draining?: Draining;
  shutdownSignals?: ShutdownSignal[];
}

/** The API on a runtime, initialised and not listening yet. */
export async function createApi(runtime: Runtime, options: ApiOptions): Promise<NestFastifyApplication> {
  const { trustProxy, corsOrigins, rateLimitPerMinute, authFailuresPerMinute } = runtime.config;
  const { logger, shutdownSignals, draining = new Draining() } = options;
  const module = ApiModule.with(runtime, draining);
  const rateLimits = { perMinute: rateLimitPerMinute, failuresPerMinute: authFailuresPerMinute };
  const edge = { trustProxy, corsOrigins, rateLimits, translateError, metrics: runtime.metrics };
  const app = await createHttpApp(module, { logger, shutdownSignals, ...edge });
  draining.addTo(app);
  if (options.docs) serveOpenApi(app);
  await app.init();
  return app;
}

/** `/metrics` on the port that is configured for it, if any. */
export async function servedMetrics({ metrics, config }: Runtime): Promise<SideServer | undefined> {
  const { metricsPort: port, host } = config;
  if (port === undefined) return undefined;
  metrics.collectProcess();
  return serveMetrics(metrics, { host, port }).catch(takenPort('METRICS_PORT', port));
}

/** The API as a process of its own, next to any number of others. */
export async function startApi({ config, logger, signal }: Starting, at?: FaultHook): Promise<Running> {
  const runtime = await openRuntime(config, { name: 'api', at });
  const newer = await onceReachable(() => requireMigrated(runtime), { logger, signal });
  if (newer.length > 0) logger.warn({ newer }, 'a newer version has migrated what this one works on');
  await onceReachable(() => runtime.keys.rememberStored(), { logger, signal });
  const draining = new Draining();
  const app = await createApi(runtime, { logger, docs: true, draining });
  const { clock, ids } = runtime;
  const initialise = () => initialiseInstallation(app.get(CommandBus), config, clock, ids);
  const { created } = await onceReachable(initialise, { logger, signal });
  await app.listen({ port: config.port, host: config.host }).catch(takenPort('PORT', config.port));
  const metrics = await servedMetrics(runtime);
  logger.info({ url: await app.getUrl(), metrics: metrics?.url, created }, 'the API listens');
  const stop = async (told: NodeJS.Signals | undefined): Promise<void> => {
    draining.begin();
    if (told === 'SIGTERM') await pause(config.shutdownDelayMs);
    await app.close();
    await metrics?.close();
    await closeRuntime(runtime);
  };
  return { stop };
}
