import { NestFactory } from '@nestjs/core';
import { CommandBus } from '@nestjs/cqrs';
import type { INestApplicationContext } from '@nestjs/common';
import { PublishedHeads, publishHeads } from '../../libs/audit-log/index.js';
import { processContext } from '../../libs/event-store/index.js';
import { FollowUps } from '../../libs/projections/index.js';
import { type Logger, NestLogger, systemRandom } from '../../libs/platform/index.js';
import { type Runtime, RuntimeModule } from '../../libs/wiring/index.js';
import { Relay, type RelayOptions } from './relay.js';

/** A relay on a runtime, using the command handlers of `context`. */
export function createRelay(
  runtime: Runtime,
  context: INestApplicationContext,
  { logger, at = runtime.at }: { logger: Logger; at?: RelayOptions['at'] },
): Relay {
  const { config, pool, log, spicedb, domain, progress, clock, ids } = runtime;
  const owner = `${process.pid}-${ids.uuid()}`;
  const published = new PublishedHeads();
  return new Relay({
    ...{ pool, log, spicedb, domain, progress, clock, logger, owner, at },
    bus: context.get(CommandBus),
    followUps: context.get(FollowUps),
    random: systemRandom,
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
