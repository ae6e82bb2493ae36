import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Accepted } from '../edge/index.js';
import { type CommandContext, DeciderRuntime } from '../event-store/index.js';
import { nameKey, Refused } from '../platform/index.js';
import { FollowUps } from '../projections/index.js';
import { loadTenant } from '../tenants/index.js';
import { claimRoleName } from './role-name.decider.js';
import type { RoleResource } from './role-resource.js';
import { acceptedRole, executeOnRoleName, firstRole, refuseBuiltInName, type RoleKey } from './role-streams.js';
import type { RoleContent } from './role.decider.js';

/** Claims the name; the role follows from the claim. */
export class CreateRole extends Command<Accepted<RoleResource>> {
  constructor(
    readonly context: CommandContext,
    readonly input: RoleKey & RoleContent,
  ) {
    super();
  }
}

@CommandHandler(CreateRole)
export class CreateRoleHandler implements ICommandHandler<CreateRole> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input }: CreateRole): Promise<Accepted<RoleResource>> {
    const { tenantId, roleId, name, ...content } = input;
    refuseBuiltInName(name);
    const active = (await loadTenant(this.runtime, tenantId)).status === 'active';
    const claim = { for: 'creation' as const, ...content };
    const outcome = await executeOnRoleName(this.runtime, context, input, (state) =>
      active ? claimRoleName({ tenantId, roleId, name, key: nameKey(name), claim }, state) : { refused: 'not-found' },
    );
    const position = await this.followUps.run(outcome.events, outcome.position);
    // The tenant's deletion started in between, and took the role along.
    if ((await loadTenant(this.runtime, tenantId)).status !== 'active') throw new Refused('not-found');
    return acceptedRole(await firstRole(this.runtime, input, outcome.events), position);
  }
}
