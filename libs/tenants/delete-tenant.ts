import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Accepted } from '../edge/index.js';
import { type CommandContext, DeciderRuntime } from '../event-store/index.js';
import { FollowUps } from '../projections/index.js';
import { startTenantDeletion } from './tenant.decider.js';
import { executeOnTenant } from './tenant-streams.js';

/** Starts the deletion; everything the tenant has goes in what follows, at last the tenant itself. */
export class DeleteTenant extends Command<Accepted> {
  constructor(
    readonly context: CommandContext,
    readonly input: { tenantId: string; ifRevision?: number },
  ) {
    super();
  }
}

@CommandHandler(DeleteTenant)
export class DeleteTenantHandler implements ICommandHandler<DeleteTenant> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input }: DeleteTenant): Promise<Accepted> {
    const outcome = await executeOnTenant(this.runtime, context, input.tenantId, (state) =>
      startTenantDeletion({ ...input, at: context.at }, state),
    );
    return { resource: {}, revision: 0, position: await this.followUps.run(outcome.events, outcome.position) };
  }
}
