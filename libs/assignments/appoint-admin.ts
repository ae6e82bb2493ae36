import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type CommandContext, DeciderRuntime } from '../event-store/index.js';
import { Refused } from '../platform/index.js';
import { FollowUps, type Positioned } from '../projections/index.js';
import { appointAdmin, executeOnTenant, loadTenant } from '../tenants/index.js';
import { loadUser } from '../users/index.js';
import { liveRoles } from './assignment.decider.js';
import { awayAmong, loadAssignment, membershipOf } from './assignment-streams.js';

/**
 * The way back into a tenant whose admins are gone for good: its operator makes a user its admin, without an end. Who is
 * one already stays one. Refused `no-such-tenant`, `not-appointable`, `user-suspended`, `tenant-has-admin` and
 * `tenant-admin-suspended`.
 */
export class AppointAdmin extends Command<Positioned & { appointed: boolean }> {
  constructor(
    readonly context: CommandContext,
    readonly input: { tenantId: string; userId: string },
  ) {
    super();
  }
}

@CommandHandler(AppointAdmin)
export class AppointAdminHandler implements ICommandHandler<AppointAdmin> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input }: AppointAdmin): Promise<Positioned & { appointed: boolean }> {
    const { tenantId, userId } = input;
    const { at } = context;
    const [membership, tenant] = await Promise.all([
      loadAssignment(this.runtime, membershipOf(tenantId, { type: 'user', id: userId })),
      loadTenant(this.runtime, tenantId),
      this.requireActive(userId),
    ]);
    const away = await awayAmong(this.runtime, tenant.status === 'absent' ? [] : Object.keys(tenant.admins));
    const { member } = liveRoles(membership, { removedAt: membership.removedAt, at });
    const command = { userId, replacesMember: member !== undefined, ...away, at };
    const { events, position } = await executeOnTenant(this.runtime, context, tenantId, (state) =>
      appointAdmin(command, state),
    );
    return { appointed: events.length > 0, position: await this.followUps.run(events, position) };
  }

  /** @throws Refused `not-appointable`, `user-suspended` */
  private async requireActive(userId: string): Promise<void> {
    const { status } = await loadUser(this.runtime, userId);
    if (status === 'absent') throw new Refused('not-appointable', `there is no user ${userId}`);
    if (status === 'deactivated') throw new Refused('not-appointable', `user ${userId} is deleted`);
    if (status === 'suspended') throw new Refused('user-suspended', userId);
  }
}
