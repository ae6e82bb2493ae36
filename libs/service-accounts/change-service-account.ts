import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Accepted } from '../edge/index.js';
import { type CommandContext, DeciderRuntime } from '../event-store/index.js';
import { FollowUps } from '../projections/index.js';
import { loadTenant } from '../tenants/index.js';
import {
  createServiceAccount,
  deleteServiceAccount,
  type DeletionReason,
  renameServiceAccount,
} from './service-account.decider.js';
import {
  acceptedServiceAccount,
  executeOnServiceAccount,
  type ServiceAccountKey,
  type ServiceAccountResource,
} from './service-account-stream.js';

export class CreateServiceAccount extends Command<Accepted<ServiceAccountResource>> {
  constructor(
    readonly context: CommandContext,
    readonly input: ServiceAccountKey & { name: string },
  ) {
    super();
  }
}

@CommandHandler(CreateServiceAccount)
export class CreateServiceAccountHandler implements ICommandHandler<CreateServiceAccount> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input }: CreateServiceAccount): Promise<Accepted<ServiceAccountResource>> {
    const tenantActive = (await loadTenant(this.runtime, input.tenantId)).status === 'active';
    const outcome = await executeOnServiceAccount(this.runtime, context, input, (state) =>
      createServiceAccount({ ...input, tenantActive, at: context.at }, state),
    );
    return acceptedServiceAccount(outcome.state, await this.followUps.run(outcome.events, outcome.position));
  }
}

export class RenameServiceAccount extends Command<Accepted<ServiceAccountResource>> {
  constructor(
    readonly context: CommandContext,
    readonly input: ServiceAccountKey & { name: string; ifRevision?: number },
  ) {
    super();
  }
}

@CommandHandler(RenameServiceAccount)
export class RenameServiceAccountHandler implements ICommandHandler<RenameServiceAccount> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input }: RenameServiceAccount): Promise<Accepted<ServiceAccountResource>> {
    const outcome = await executeOnServiceAccount(this.runtime, context, input, (state) =>
      renameServiceAccount({ ...input, at: context.at }, state),
    );
    return acceptedServiceAccount(outcome.state, await this.followUps.run(outcome.events, outcome.position));
  }
}

/** Its tokens and all it holds end with it; for a tenant that is gone, nothing is no fault. */
export class DeleteServiceAccount extends Command<Accepted> {
  constructor(
    readonly context: CommandContext,
    readonly input: ServiceAccountKey & { reason: DeletionReason; ifRevision?: number },
  ) {
    super();
  }
}

@CommandHandler(DeleteServiceAccount)
export class DeleteServiceAccountHandler implements ICommandHandler<DeleteServiceAccount> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input }: DeleteServiceAccount): Promise<Accepted> {
    const outcome = await executeOnServiceAccount(this.runtime, context, input, (state) =>
      deleteServiceAccount({ ...input, at: context.at }, state),
    );
    return { resource: {}, revision: 0, position: await this.followUps.run(outcome.events, outcome.position) };
  }
}
