import { Command, CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type CommandContext, DeciderRuntime, stepContext } from '../event-store/index.js';
import { nameKey, Refused } from '../platform/index.js';
import { FollowUps, type Positioned } from '../projections/index.js';
import { releaseRoleName, type RoleNameClaim } from './role-name.decider.js';
import { executeOnRole, executeOnRoleName, type RoleKey } from './role-streams.js';
import { changeRole, createRole } from './role.decider.js';

type Named = RoleKey & { name: string };

/** Creates the role that a name was claimed for. */
export class CompleteRoleCreation extends Command<Positioned> {
  constructor(
    readonly context: CommandContext,
    readonly input: Named & { claim: Extract<RoleNameClaim, { for: 'creation' }> },
  ) {
    super();
  }
}

@CommandHandler(CompleteRoleCreation)
export class CompleteRoleCreationHandler implements ICommandHandler<CompleteRoleCreation> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input }: CompleteRoleCreation): Promise<Positioned> {
    const { claim, ...named } = input;
    const outcome = await executeOnRole(this.runtime, context, input, (state) =>
      createRole({ ...named, ...claim, at: context.at }, state),
    );
    return { position: await this.followUps.run(outcome.events, outcome.position) };
  }
}

/** Changes the role that a new name was claimed for; where that is refused, the name is given up again. */
export class CompleteRoleRenaming extends Command<Positioned> {
  constructor(
    readonly context: CommandContext,
    readonly input: Named & {
      claim: Extract<RoleNameClaim, { for: 'renaming' }>;
      /** Position of the name's claim. */
      claimedAt: number;
    },
  ) {
    super();
  }
}

@CommandHandler(CompleteRoleRenaming)
export class CompleteRoleRenamingHandler implements ICommandHandler<CompleteRoleRenaming> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly bus: CommandBus,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input }: CompleteRoleRenaming): Promise<Positioned> {
    const { tenantId, roleId, name, claim, claimedAt } = input;
    let present = '';
    try {
      const outcome = await executeOnRole(this.runtime, context, input, (state) => {
        present = state.status === 'active' || state.status === 'deleting' ? state.name : '';
        return changeRole({ ...claim, claimedAt, at: context.at }, state);
      });
      return { position: await this.followUps.run(outcome.events, outcome.position) };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (nameKey(present) !== nameKey(name)) {
        const release = { tenantId, roleId, name, before: claimedAt };
        await this.bus.execute(new ReleaseRoleName(stepContext(context, 'release'), release));
      }
      throw error;
    }
  }
}

export class ReleaseRoleName extends Command<Positioned> {
  constructor(
    readonly context: CommandContext,
    readonly input: Named & { before: number },
  ) {
    super();
  }
}

@CommandHandler(ReleaseRoleName)
export class ReleaseRoleNameHandler implements ICommandHandler<ReleaseRoleName> {
  constructor(private readonly runtime: DeciderRuntime) {}

  async execute({ context, input }: ReleaseRoleName): Promise<Positioned> {
    return executeOnRoleName(this.runtime, context, input, (state) =>
      releaseRoleName({ ...input, key: nameKey(input.name) }, state),
    );
  }
}
