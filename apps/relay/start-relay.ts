import { randomUUID } from 'node:crypto';
import { NestFactory } from '@nestjs/core';
import { CommandBus } from '@nestjs/cqrs';
import type { INestApplicationContext } from '@nestjs/common';
import { publishHeads } from '../../libs/audit-log/index.js';
import { FollowUps } from '../../libs/projections/index.js';
import { type Logger, NestLogger } from '../../libs/platform/index.js';
import { type Runtime, RuntimeModule } from '../../libs/wiring/index.js';
import { Relay, type RelayOptions } from './relay.js';

/** A relay on a runtime, using the command handlers of `context`. */
export function createRelay(
  runtime: Runtime,
  context: INestApplicationContext,
  { logger, at }: { logger: Logger; at?: RelayOptions['at'] },
): Relay {
  const { config, pool, log, spicedb, domain, progress, clock } = runtime;
  const owner = `${process.pid}-${randomUUID()}`;
  return new Relay({
    ...{ pool, log, spicedb, domain, progress, clock, logger, owner, at },
    bus: context.get(CommandBus),
    followUps: context.get(FollowUps),
    random: Math.random,
    maxBatch: config.relayMaxBatch,
    pollMs: config.relayPollMs,
    maxUpdates: config.deliveryMaxUpdates,
    publishHeads: () => publishHeads(log, pool, { clock, ids: runtime.ids }),
  });
}

/** The command handlers alone, without HTTP. */
export function createCommandContext(runtime: Runtime, logger: Logger): Promise<INestApplicationContext> {
  return NestFactory.createApplicationContext(RuntimeModule.with(runtime), {
    logger: new NestLogger(logger),
    abortOnError: false,
  });
}
