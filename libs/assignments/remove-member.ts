import { Command, CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { Inject, Logger } from '@nestjs/common';
import type { Pool } from 'pg';
import { type Accepted, POOL } from '../edge/index.js';
import { type CommandContext, DeciderRuntime, stepContext } from '../event-store/index.js';
import { Refused } from '../platform/index.js';
import { FollowUps, type Positioned } from '../projections/index.js';
import { endAdmin, executeOnTenant } from '../tenants/index.js';
import { assignment, removeServiceAccount, removeTenantMember } from './assignment.decider.js';
import {
  assignmentStream,
  executeOnAssignment,
  goneBeside,
  isStale,
  isStaleAdmin,
  loadAssignment,
  isSparedAdmin,
  unlessOwn,
  membershipOf,
} from './assignment-streams.js';

type Reason = 'member-removed' | 'user-deactivated';

/** Ends everything a user holds in a tenant and its workspaces; the last admin cannot go. */
export class RemoveTenantMember extends Command<Accepted> {
  constructor(
    readonly context: CommandContext,
    readonly input: {
      tenantId: string;
      userId: string;
      reason: Reason;
      evenIfNoMember?: boolean;
      /** Refused because who removes them is themselves; a last admin is told that they are. */
      isOwn?: boolean;
      /** Refused as forbidden for an admin. */
      sparesAdmins?: boolean;
      /** The revision of the member that the caller saw. */
      ifRevision?: number;
    },
  ) {
    super();
  }
}

@CommandHandler(RemoveTenantMember)
export class RemoveTenantMemberHandler implements ICommandHandler<RemoveTenantMember> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly bus: CommandBus,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input }: RemoveTenantMember): Promise<Accepted> {
    const { tenantId, userId, reason, evenIfNoMember = false, ifRevision } = input;
    const subject = { type: 'user' as const, id: userId };
    const key = membershipOf(tenantId, subject);
    // A repeat of what removed a plain member does not touch the admin they may be by now.
    const first = await this.runtime.repeated(assignmentStream(key), assignment, context.commandId);
    let adminRevision = 0;
    if (!first) {
      const gone = await goneBeside(this.runtime, input);
      const command = { userId, reason, becomesMember: null, gone, at: context.at };
      const { revision } = await loadAssignment(this.runtime, key);
      const seen = { subject, ifRevision };
      const admin = await executeOnTenant(this.runtime, context, tenantId, (state) => {
        if (isSparedAdmin({ ...input, subject }, state, context)) return { refused: 'forbidden' };
        if (isStaleAdmin(seen, state, { assignment: revision, admin: 0 })) return { refused: 'stale-revision' };
        return unlessOwn(input, endAdmin(command, state));
      });
      if (admin.state.status !== 'absent') adminRevision = admin.state.adminRevisions[userId] ?? 0;
      if (admin.events.length > 0) {
        return { resource: {}, revision: 0, position: await this.followUps.run(admin.events, admin.position) };
      }
    }
    const end = { tenantId, userId, reason, wasAdmin: false, evenIfNoMember, ifRevision, adminRevision };
    const { position, removed } = await this.bus.execute(new EndMembership(context, end));
    if (!removed) throw new Refused('not-found');
    return { resource: {}, revision: 0, position };
  }
}

/** Ends everything a service account holds in its tenant and the workspaces. */
export class RemoveServiceAccount extends Command<Accepted> {
  constructor(
    readonly context: CommandContext,
    readonly input: { tenantId: string; serviceAccountId: string; ifRevision?: number },
  ) {
    super();
  }
}

@CommandHandler(RemoveServiceAccount)
export class RemoveServiceAccountHandler implements ICommandHandler<RemoveServiceAccount> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input }: RemoveServiceAccount): Promise<Accepted> {
    const { tenantId, serviceAccountId: id } = input;
    const key = membershipOf(tenantId, { type: 'service_account', id });
    const { events, position } = await executeOnAssignment(this.runtime, context, key, (state) =>
      isStale(input, state.revision)
        ? { refused: 'stale-revision' }
        : removeServiceAccount({ ...input, at: context.at }, state),
    );
    return { resource: {}, revision: 0, position: await this.followUps.run(events, position) };
  }
}

/** The part of a removal that follows once the user is no admin any more. */
export class EndMembership extends Command<Positioned & { removed: boolean }> {
  constructor(
    readonly context: CommandContext,
    readonly input: {
      tenantId: string;
      userId: string;
      reason: Reason;
      wasAdmin: boolean;
      evenIfNoMember: boolean;
      /** The revision of the member that the caller saw, and how much of it the tenant's stream counts. */
      ifRevision?: number;
      adminRevision?: number;
    },
  ) {
    super();
  }
}

@CommandHandler(EndMembership)
export class EndMembershipHandler implements ICommandHandler<EndMembership> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input }: EndMembership): Promise<Positioned & { removed: boolean }> {
    const { tenantId, userId, adminRevision = 0 } = input;
    const key = membershipOf(tenantId, { type: 'user', id: userId });
    const { events, position } = await executeOnAssignment(this.runtime, context, key, (state) =>
      isStale(input, state.revision + adminRevision)
        ? { refused: 'stale-revision' }
        : removeTenantMember({ ...input, at: context.at }, state),
    );
    return { removed: events.length > 0, position: await this.followUps.run(events, position) };
  }
}

/** Ends what a deactivated user holds, in every tenant. */
export class LeaveAllTenants extends Command<Positioned> {
  constructor(
    readonly context: CommandContext,
    readonly input: { userId: string; position: number },
  ) {
    super();
  }
}

@CommandHandler(LeaveAllTenants)
export class LeaveAllTenantsHandler implements ICommandHandler<LeaveAllTenants> {
  private readonly logger = new Logger(LeaveAllTenants.name);

  constructor(
    private readonly bus: CommandBus,
    @Inject(POOL) private readonly pool: Pool,
  ) {}

  async execute({ context, input: { userId, position } }: LeaveAllTenants): Promise<Positioned> {
    const { rows } = await this.pool.query<{ tenantId: string }>(
      `select distinct tenant_id as "tenantId" from assignment where subject_type = 'user' and subject_id = $1`,
      [userId],
    );
    let last = position;
    for (const { tenantId } of rows) {
      const input = { tenantId, userId, reason: 'user-deactivated' as const, evenIfNoMember: true };
      try {
        const left = await this.bus.execute(new RemoveTenantMember(stepContext(context, tenantId), input));
        last = Math.max(last, left.position);
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        this.logger.warn(`user ${userId} stays in tenant ${tenantId}: ${error.code}`);
      }
    }
    return { position: last };
  }
}
