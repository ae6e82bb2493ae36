import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Accepted } from '../edge/index.js';
import { type CommandContext, DeciderRuntime, type Recorded } from '../event-store/index.js';
import { Refused } from '../platform/index.js';
import { FollowUps } from '../projections/index.js';
import { type AdminEndReason, endAdmin, executeOnTenant, tenant, tenantStream } from '../tenants/index.js';
import { assignment, endRole, liveRoles, type RoleName } from './assignment.decider.js';
import {
  type AssignmentKey,
  assignmentStream,
  executeOnAssignment,
  goneBeside,
  hasTarget,
  isDecidedByTenant,
  isStale,
  isStaleAdmin,
  lastRemoval,
  loadStanding,
  type Standing,
} from './assignment-streams.js';

/** Ends sources of what a subject holds on a target. What is gone already is no fault, unless it must be held. */
export class EndRole extends Command<Accepted> {
  constructor(
    readonly context: CommandContext,
    readonly input: AssignmentKey & {
      /** All roles where absent; a tenant's admin role only where it is named. */
      role?: RoleName;
      /** All sources where absent. */
      sources?: readonly string[];
      /** Only sources that began before this position. */
      before?: number;
      reason: 'removed' | 'revoked' | 'expired' | 'promoted' | 'role-changed' | 'role-deleted';
      /** Refused as not found unless it is held, on a target that the tenant has. */
      mustHold?: boolean;
      /** Refused as forbidden for who is admin of the target. */
      sparesAdmins?: boolean;
      /** The revision of the member that the caller saw. */
      ifRevision?: number;
    },
  ) {
    super();
  }
}

@CommandHandler(EndRole)
export class EndRoleHandler implements ICommandHandler<EndRole> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input }: EndRole): Promise<Accepted> {
    const { events, position } = isDecidedByTenant(input)
      ? await this.endAdmin(context, input)
      : await this.endOnAssignment(context, input);
    if (events.length === 0 && input.mustHold) throw new Refused('not-found');
    return { resource: {}, revision: 0, position: await this.followUps.run(events, position) };
  }

  private async endAdmin(context: CommandContext, input: EndRole['input']) {
    const { tenantId, subject, sources } = input;
    const reason: AdminEndReason = input.reason === 'revoked' || input.reason === 'expired' ? input.reason : 'removed';
    const gone = await goneBeside(this.runtime, { tenantId, userId: subject.id });
    const command = { userId: subject.id, sources, reason, becomesMember: null, gone, at: context.at };
    const revisions = await this.revisions(context, input);
    return executeOnTenant(this.runtime, context, tenantId, (state) =>
      isStaleAdmin(input, state, revisions) ? { refused: 'stale-revision' } : endAdmin(command, state),
    );
  }

  private async endOnAssignment(context: CommandContext, input: EndRole['input']) {
    const removedAt = await lastRemoval(this.runtime, input);
    const gone = input.mustHold === true && !(await hasTarget(this.runtime, input));
    const command = { ...input, removedAt, at: context.at };
    const revisions = await this.revisions(context, input);
    return executeOnAssignment(this.runtime, context, input, (state) => {
      if (gone) return { refused: 'not-found' };
      if (input.sparesAdmins && liveRoles(state, command)['admin']) return { refused: 'forbidden' };
      return isStale(input, state.revision + revisions.admin) ? { refused: 'stale-revision' } : endRole(command, state);
    });
  }

  /** Only a caller who saw a revision depends on it: what a process ends may have lost its target already. */
  private async revisions({ at }: CommandContext, input: EndRole['input']): Promise<Standing['revisions']> {
    if (input.ifRevision === undefined) return { assignment: 0, admin: 0 };
    return (await loadStanding(this.runtime, input, at)).revisions;
  }
}

/** What EndRole put into the log with a command; nothing where it found nothing to end. */
export async function endedBy(
  runtime: DeciderRuntime,
  held: EndRole['input'],
  commandId: string,
): Promise<readonly Recorded[]> {
  const ended = isDecidedByTenant(held)
    ? await runtime.repeated(tenantStream(held.tenantId), tenant, commandId)
    : await runtime.repeated(assignmentStream(held), assignment, commandId);
  return ended?.events ?? [];
}
