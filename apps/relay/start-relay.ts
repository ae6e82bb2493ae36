import { NestFactory } from '@nestjs/core';
import { CommandBus } from '@nestjs/cqrs';
import type { INestApplicationContext } from '@nestjs/common';
import { PublishedHeads, publishHeads } from '../../libs/audit-log/index.js';
import { processContext } from '../../libs/event-store/index.js';
import { adoptVersions, FollowUps, outdatedModels } from '../../libs/projections/index.js';
import { type Logger, NestLogger, systemRandom } from '../../libs/platform/index.js';
import {
  closeRuntime,
  type FaultHook,
  onceReachable,
  openRuntime,
  requireMigrated,
  requireUsableKeys,
  type Running,
  type Runtime,
  RuntimeModule,
  type Starting,
} from '../../libs/wiring/index.js';
import { exposeRelay } from './relay-metrics.js';
import { serveHealth } from './serve-health.js';
import { Relay, type RelayOptions } from './relay.js';

/** A relay on a runtime, using the command handlers of `context`. */
export function createRelay(
  runtime: Runtime,
  context: INestApplicationContext,
  { logger, at = runtime.at }: { logger: Logger; at?: RelayOptions['at'] },
): Relay {
  const { config, pool, log, spicedb, domain, progress, clock, ids, metrics } = runtime;
  const owner = `${process.pid}-${ids.uuid()}`;
  const published = new PublishedHeads();
  return new Relay({
    ...{ pool, log, spicedb, domain, progress, clock, logger, owner, at, metrics },
    bus: context.get(CommandBus),
    followUps: context.get(FollowUps),
    random: systemRandom,
    requireUsableKeys: () => requireUsableKeys(runtime.keys),
    maxBatch: config.relayMaxBatch,
    pollMs: config.relayPollMs,
    maxUpdates: config.deliveryMaxUpdates,
    publishHeads: async () => {
      await publishHeads(log, pool, processContext('audit-heads', clock, ids), published);
    },
  });
}

/** The command handlers alone, without HTTP. */
export function createCommandContext(runtime: Runtime, logger: Logger): Promise<INestApplicationContext> {
  return NestFactory.createApplicationContext(RuntimeModule.with(runtime), {
    logger: new NestLogger(logger),
    abortOnError: false,
  });
}

/** A relay as a process of its own: the active one, or one that stands by. */
export async function startRelay({ config, logger, signal }: Starting, at?: FaultHook): Promise<Running> {
  const runtime = await openRuntime(config, { name: 'relay', at });
  await onceReachable(() => requireVersions(runtime, logger), { logger, signal });
  const context = await createCommandContext(runtime, logger);
  const relay = createRelay(runtime, context, { logger });
  exposeRelay(runtime, relay);
  runtime.metrics.collectProcess();
  const health = await serveHealth(config, { ...runtime, relay, logger });
  relay.start();
  logger.info({ url: health.url }, 'the relay follows the event log');
  const stop = async (): Promise<void> => {
    await relay.stop();
    await health.close();
    await context.close();
    await closeRuntime(runtime);
  };
  return { stop, ended: relay.ended() };
}

/** Read models are of the version of whoever fills them first; those of another are told of before they are written to. */
async function requireVersions(runtime: Runtime, logger: Logger): Promise<void> {
  const newer = await requireMigrated(runtime);
  if (newer.length > 0) logger.warn({ newer }, 'a newer version has migrated what this one works on');
  await adoptVersions(runtime.pool, runtime.domain);
  for (const { model, stored, wanted } of await outdatedModels(runtime.pool, runtime.domain)) {
    const rows = stored === null ? 'was never filled' : `has rows of version ${stored}, not ${wanted}`;
    logger.warn({ model, stored, wanted }, `the read model ${model} ${rows}; run: operator replay ${model}`);
  }
}
