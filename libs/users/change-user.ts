import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Accepted } from '../edge/index.js';
import { type CommandContext, DeciderRuntime } from '../event-store/index.js';
import { FollowUps } from '../projections/index.js';
import { changeProfile, deactivateUser, eraseUser, type Profile } from './user.decider.js';
import { acceptedUser, executeOnUser, type UserResource } from './user-streams.js';

export class ChangeProfile extends Command<Accepted<UserResource>> {
  constructor(
    readonly context: CommandContext,
    readonly input: Partial<Profile> & { userId: string; ifRevision?: number },
  ) {
    super();
  }
}

@CommandHandler(ChangeProfile)
export class ChangeProfileHandler implements ICommandHandler<ChangeProfile> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input }: ChangeProfile): Promise<Accepted<UserResource>> {
    const outcome = await executeOnUser(this.runtime, context, input.userId, (state) =>
      changeProfile({ ...input, at: context.at }, state),
    );
    return acceptedUser(outcome.state, await this.followUps.run(outcome.events, outcome.position));
  }
}

/** The user stays readable; what they hold ends in what follows, and their tokens are refused. */
export class DeactivateUser extends Command<Accepted<UserResource>> {
  constructor(
    readonly context: CommandContext,
    readonly input: { userId: string; ifRevision?: number },
  ) {
    super();
  }
}

@CommandHandler(DeactivateUser)
export class DeactivateUserHandler implements ICommandHandler<DeactivateUser> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input }: DeactivateUser): Promise<Accepted<UserResource>> {
    const outcome = await executeOnUser(this.runtime, context, input.userId, (state) =>
      deactivateUser({ ...input, at: context.at }, state),
    );
    return acceptedUser(outcome.state, await this.followUps.run(outcome.events, outcome.position));
  }
}

/** Ends all that the user holds, and destroys the key of their personal fields as soon as the relay has read it. */
export class EraseUser extends Command<Accepted<UserResource>> {
  constructor(
    readonly context: CommandContext,
    readonly input: { userId: string },
  ) {
    super();
  }
}

@CommandHandler(EraseUser)
export class EraseUserHandler implements ICommandHandler<EraseUser> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input }: EraseUser): Promise<Accepted<UserResource>> {
    const outcome = await executeOnUser(this.runtime, context, input.userId, (state) =>
      eraseUser({ at: context.at }, state),
    );
    return acceptedUser(outcome.state, await this.followUps.run(outcome.events, outcome.position));
  }
}
