import { Command, CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Accepted } from '../edge/index.js';
import { type CommandContext, DeciderRuntime, stepContext } from '../event-store/index.js';
import { FollowUps, type Positioned } from '../projections/index.js';
import { EnsureUser, type ExternalIdentity, loadUser } from '../users/index.js';
import { endSystemAdmin, grantSystemAdmin } from './installation.decider.js';
import { executeOnInstallation } from './installation-stream.js';

export class GrantSystemAdmin extends Command<Positioned> {
  constructor(
    readonly context: CommandContext,
    readonly input: { userId: string },
  ) {
    super();
  }
}

@CommandHandler(GrantSystemAdmin)
export class GrantSystemAdminHandler implements ICommandHandler<GrantSystemAdmin> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input: { userId } }: GrantSystemAdmin): Promise<Positioned> {
    const { status: user } = await loadUser(this.runtime, userId);
    const outcome = await executeOnInstallation(this.runtime, context, (state) =>
      grantSystemAdmin({ userId, user, at: context.at }, state),
    );
    return { position: await this.followUps.run(outcome.events, outcome.position) };
  }
}

export class EndSystemAdmin extends Command<Positioned> {
  constructor(
    readonly context: CommandContext,
    readonly input: { userId: string },
  ) {
    super();
  }
}

@CommandHandler(EndSystemAdmin)
export class EndSystemAdminHandler implements ICommandHandler<EndSystemAdmin> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input: { userId } }: EndSystemAdmin): Promise<Positioned> {
    const outcome = await executeOnInstallation(this.runtime, context, (state) =>
      endSystemAdmin({ userId, at: context.at }, state),
    );
    return { position: await this.followUps.run(outcome.events, outcome.position) };
  }
}

/** Makes whoever has an external identity a system admin, registered first where nobody has it yet. */
export class BootstrapAdmin extends Command<Accepted<{ userId: string }>> {
  constructor(
    readonly context: CommandContext,
    readonly input: {
      /** Of the user where one is registered. */
      userId: string;
      externalIdentity: ExternalIdentity;
      displayName?: string;
    },
  ) {
    super();
  }
}

@CommandHandler(BootstrapAdmin)
export class BootstrapAdminHandler implements ICommandHandler<BootstrapAdmin> {
  constructor(private readonly bus: CommandBus) {}

  async execute({ context, input }: BootstrapAdmin): Promise<Accepted<{ userId: string }>> {
    const { userId, externalIdentity, displayName } = input;
    const claim = { userId, externalIdentity, profile: { ...(displayName && { displayName }) } };
    const ensured = await this.bus.execute(new EnsureUser(stepContext(context, 'user'), claim));
    const { id } = ensured.resource;
    const granted = await this.bus.execute(new GrantSystemAdmin(stepContext(context, 'admin'), { userId: id }));
    const position = Math.max(ensured.position, granted.position);
    return { resource: { userId: id }, revision: ensured.revision, position };
  }
}
