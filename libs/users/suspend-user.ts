import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Accepted } from '../edge/index.js';
import { type CommandContext, DeciderRuntime, type Outcome } from '../event-store/index.js';
import { Refused } from '../platform/index.js';
import { FollowUps } from '../projections/index.js';
import { reinstateUser, suspendUser, type UserEvent, type UserState } from './user.decider.js';
import { acceptedUser, executeOnUser, type UserResource } from './user-streams.js';

/** Withdraws all that the user holds, and refuses their tokens; both are theirs again once they are reinstated. */
export class SuspendUser extends Command<Accepted<UserResource>> {
  constructor(
    readonly context: CommandContext,
    readonly input: { userId: string; ifRevision?: number },
  ) {
    super();
  }
}

@CommandHandler(SuspendUser)
export class SuspendUserHandler implements ICommandHandler<SuspendUser> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input }: SuspendUser): Promise<Accepted<UserResource>> {
    const by = context.actor.type === 'user' ? context.actor.id : null;
    const outcome = await executeOnUser(this.runtime, context, input.userId, (state) =>
      suspendUser({ ...input, by, at: context.at }, state),
    );
    // The tenants' records may follow later: the suspension itself has withdrawn everything.
    return { ...(await followed(this.followUps, outcome)), unfinished: false };
  }
}

/** Brings back what is still the user's. */
export class ReinstateUser extends Command<Accepted<UserResource>> {
  constructor(
    readonly context: CommandContext,
    readonly input: { userId: string; ifRevision?: number },
  ) {
    super();
  }
}

@CommandHandler(ReinstateUser)
export class ReinstateUserHandler implements ICommandHandler<ReinstateUser> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input }: ReinstateUser): Promise<Accepted<UserResource>> {
    const outcome = await executeOnUser(this.runtime, context, input.userId, (state) =>
      reinstateUser({ ...input, at: context.at }, state),
    );
    return followed(this.followUps, outcome);
  }
}

/** What follows needs rows as of the change: where they are not there yet, the relay's process goes on. */
async function followed(
  followUps: FollowUps,
  { state, events, position }: Outcome<UserState, UserEvent>,
): Promise<Accepted<UserResource>> {
  try {
    return acceptedUser(state, await followUps.run(events, position));
  } catch (error) {
    if (!(error instanceof Refused) || error.code !== 'not-yet') throw error;
    return { ...acceptedUser(state, position), unfinished: true };
  }
}
