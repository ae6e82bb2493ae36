import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Accepted } from '../edge/index.js';
import { type CommandContext, DeciderRuntime } from '../event-store/index.js';
import { nameKey } from '../platform/index.js';
import { FollowUps } from '../projections/index.js';
import { claimTenantName } from './tenant-name.decider.js';
import { acceptedTenant, executeOnTenantName, firstTenant, type TenantResource } from './tenant-streams.js';

/** Claims the name; the tenant and its root workspace follow from the claim. */
export class CreateTenant extends Command<Accepted<TenantResource>> {
  constructor(
    readonly context: CommandContext,
    readonly input: {
      tenantId: string;
      name: string;
      rootWorkspaceId: string;
      rootWorkspaceName: string;
      /** Becomes the first admin; null when nobody gains by creating. */
      creatorId: string | null;
    },
  ) {
    super();
  }
}

@CommandHandler(CreateTenant)
export class CreateTenantHandler implements ICommandHandler<CreateTenant> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input }: CreateTenant): Promise<Accepted<TenantResource>> {
    const { tenantId, name, ...rest } = input;
    const claim = { for: 'creation' as const, ...rest };
    const outcome = await executeOnTenantName(this.runtime, context, input, (state) =>
      claimTenantName({ tenantId, name, key: nameKey(name), claim }, state),
    );
    const position = await this.followUps.run(outcome.events, outcome.position);
    return acceptedTenant(await firstTenant(this.runtime, tenantId, outcome.events), position);
  }
}
