import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Pool } from 'pg';
import { type Accepted, POOL } from '../edge/index.js';
import { type CommandContext, DeciderRuntime } from '../event-store/index.js';
import { parking, settleParked, type SettleParked as Decided } from './parking.decider.js';

/** Delivers a parked relationship again, as it is wanted now, or takes note that nobody will. */
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
  ) {}

  async execute({ context, input: { parkedId, action, operator } }: SettleParked): Promise<Accepted> {
    const { rows } = await this.pool.query<NonNullable<Decided['parked']>>(
      'select id, stage, tuple from parked where id = $1',
      [parkedId],
    );
    const command = { action, parked: rows[0], operator, at: context.at };
    const { position } = await this.runtime.execute({
      ...{ stream: 'parking', decider: parking, tenantId: null, context },
      decide: (state) => settleParked(command, state),
    });
    return { resource: {}, revision: 0, position };
  }
}
