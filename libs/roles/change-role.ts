import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Accepted } from '../edge/index.js';
import { type CommandContext, DeciderRuntime } from '../event-store/index.js';
import { nameKey } from '../platform/index.js';
import { FollowUps } from '../projections/index.js';
import { claimRoleName } from './role-name.decider.js';
import type { RoleResource } from './role-resource.js';
import {
  acceptedRole,
  executeOnRole,
  executeOnRoleName,
  firstRole,
  refuseBuiltInName,
  loadRole,
  type RoleKey,
  roleStream,
} from './role-streams.js';
import { changeRole, role, type RoleContent } from './role.decider.js';

/** Changes what is given of a role. A new name is claimed first; the rest follows from the claim. */
export class ChangeRole extends Command<Accepted<RoleResource>> {
  constructor(
    readonly context: CommandContext,
    readonly input: RoleKey & {
      change: Partial<RoleContent>;
      ifRevision?: number;
      /** The revision whose permissions the caller was found to hold. */
      judgedRevision?: number;
    },
  ) {
    super();
  }
}

@CommandHandler(ChangeRole)
export class ChangeRoleHandler implements ICommandHandler<ChangeRole> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input }: ChangeRole): Promise<Accepted<RoleResource>> {
    const { name } = input.change;
    const first = await this.runtime.repeated(roleStream(input.roleId), role, context.commandId);
    if (!first && name !== undefined) {
      const renamed = await this.rename(context, { ...input, name });
      if (renamed) return renamed;
    }
    const outcome = await executeOnRole(this.runtime, context, input, (state) =>
      changeRole({ ...input, at: context.at }, state),
    );
    const position = await this.followUps.run(outcome.events, outcome.position);
    return acceptedRole(outcome.state, position);
  }

  /** @returns undefined where the role has the name already */
  private async rename(context: CommandContext, input: ChangeRole['input'] & { name: string }) {
    const { tenantId, roleId, name, change, ifRevision, judgedRevision } = input;
    refuseBuiltInName(name);
    const before = await loadRole(this.runtime, input);
    const claim = {
      ...{ for: 'renaming' as const, previousName: before.status === 'absent' ? '' : before.name, change },
      ...(ifRevision !== undefined && { ifRevision }),
      ...(judgedRevision !== undefined && { judgedRevision }),
    };
    const decided = changeRole({ ...input, at: context.at }, before);
    const outcome = await executeOnRoleName(this.runtime, context, input, (state) =>
      'refused' in decided ? decided : claimRoleName({ tenantId, roleId, name, key: nameKey(name), claim }, state),
    );
    if (outcome.events.length === 0) return undefined;
    const position = await this.followUps.run(outcome.events, outcome.position);
    return acceptedRole(await firstRole(this.runtime, input, outcome.events), position);
  }
}
