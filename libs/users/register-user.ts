import { Command, CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Accepted } from '../edge/index.js';
import { type CommandContext, DeciderRuntime, stepContext } from '../event-store/index.js';
import { FollowUps, type Positioned } from '../projections/index.js';
import { claimIdentity, type ClaimIdentity } from './identity.decider.js';
import { type ExternalIdentity, type GivenProfile, registerUser } from './user.decider.js';
import {
  acceptedUser,
  executeOnIdentity,
  executeOnUser,
  firstUser,
  loadUser,
  type UserResource,
} from './user-streams.js';

/** Claims the external identity where there is one; the user follows from the claim. */
export class RegisterUser extends Command<Accepted<UserResource>> {
  constructor(
    readonly context: CommandContext,
    readonly input: {
      userId: string;
      externalIdentity: ExternalIdentity | null;
      profile: GivenProfile;
      builtIn?: boolean;
    },
  ) {
    super();
  }
}

@CommandHandler(RegisterUser)
export class RegisterUserHandler implements ICommandHandler<RegisterUser> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input }: RegisterUser): Promise<Accepted<UserResource>> {
    const { userId, externalIdentity, profile, builtIn = false } = input;
    if (externalIdentity) return this.claim(context, { userId, externalIdentity, profile });
    const outcome = await executeOnUser(this.runtime, context, userId, (state) =>
      registerUser({ userId, externalIdentity, profile, builtIn, at: context.at }, state),
    );
    return acceptedUser(outcome.state, await this.followUps.run(outcome.events, outcome.position));
  }

  private async claim(context: CommandContext, claim: ClaimIdentity): Promise<Accepted<UserResource>> {
    const outcome = await executeOnIdentity(this.runtime, context, claim.externalIdentity, (state) =>
      claimIdentity(claim, state),
    );
    const position = await this.followUps.run(outcome.events, outcome.position);
    return acceptedUser(await firstUser(this.runtime, claim.userId, outcome.events), position);
  }
}

/** Registers the user for whom an external identity was claimed. */
export class CompleteUser extends Command<Positioned> {
  constructor(
    readonly context: CommandContext,
    readonly input: ClaimIdentity,
  ) {
    super();
  }
}

@CommandHandler(CompleteUser)
export class CompleteUserHandler implements ICommandHandler<CompleteUser> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input }: CompleteUser): Promise<Positioned> {
    const outcome = await executeOnUser(this.runtime, context, input.userId, (state) =>
      registerUser({ ...input, builtIn: false, at: context.at }, state),
    );
    return { position: await this.followUps.run(outcome.events, outcome.position) };
  }
}

/** Of a claim that a call before may have made, for a user with another id than this one minted. */
function completing(context: CommandContext, userId: string): CommandContext {
  const { type, id, onBehalfOf } = context.actor;
  const actor = onBehalfOf ? { type, id, onBehalfOf: { type: 'user' as const, id: userId } } : context.actor;
  return { ...stepContext(context, 'user'), actor };
}

/** The user who has an external identity, registered with it where nobody has it yet. */
export class EnsureUser extends Command<Accepted<UserResource>> {
  constructor(
    readonly context: CommandContext,
    readonly input: ClaimIdentity,
  ) {
    super();
  }
}

@CommandHandler(EnsureUser)
export class EnsureUserHandler implements ICommandHandler<EnsureUser> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly bus: CommandBus,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input }: EnsureUser): Promise<Accepted<UserResource>> {
    const outcome = await executeOnIdentity(this.runtime, context, input.externalIdentity, (state) =>
      state.status === 'claimed' ? [] : claimIdentity(input, state),
    );
    let position = await this.followUps.run(outcome.events, outcome.position);
    const claim = outcome.state.status === 'claimed' ? outcome.state : input;
    if ((await loadUser(this.runtime, claim.userId)).status === 'absent') {
      ({ position } = await this.bus.execute(new CompleteUser(completing(context, claim.userId), claim)));
    }
    return acceptedUser(await loadUser(this.runtime, claim.userId), position);
  }
}
