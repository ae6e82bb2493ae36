import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Pool } from 'pg';
import { type Accepted, EVENT_LOG, POOL } from '../edge/index.js';
import { type CommandContext, DeciderRuntime, type EventLog } from '../event-store/index.js';
import { Domain } from '../projections/index.js';
import { isUnderstood } from './dry-run.js';
import { parking, settleParked, type SettleParked as Decided } from './parking.decider.js';

/**
 * Delivers a parked relationship again, as it is wanted now, or takes note that nobody will. A parked event counts from
 * here on, and has its effect with the next replay.
 */
export class SettleParked extends Command<Accepted> {
  constructor(
    readonly context: CommandContext,
    readonly input: { parkedId: string; action: 'retry' | 'discard'; operator: string },
  ) {
    super();
  }
}

@CommandHandler(SettleParked)
export class SettleParkedHandler implements ICommandHandler<SettleParked> {
  constructor(
    private readonly runtime: DeciderRuntime,
    @Inject(POOL) private readonly pool: Pool,
    @Inject(EVENT_LOG) private readonly log: EventLog,
    private readonly domain: Domain,
  ) {}

  async execute({ context, input: { parkedId, action, operator } }: SettleParked): Promise<Accepted> {
    const { rows } = await this.pool.query<NonNullable<Decided['parked']> & { eventId: string }>(
      'select id, stage, tuple, event_id as "eventId" from parked where id = $1',
      [parkedId],
    );
    const [parked] = rows;
    const understood =
      action === 'retry' &&
      parked?.stage === 'event' &&
      (await isUnderstood(this.pool, this.log, this.domain, parked.eventId));
    const command = { action, parked, understood, operator, at: context.at };
    const { position } = await this.runtime.execute({
      ...{ stream: 'parking', decider: parking, tenantId: null, context },
      decide: (state) => settleParked(command, state),
    });
    return { resource: {}, revision: 0, position };
  }
}
