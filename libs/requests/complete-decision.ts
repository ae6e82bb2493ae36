import { Logger } from '@nestjs/common';
import { Command, CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { BY_PROCESS, EndRole, GrantRole, type Subject } from '../assignments/index.js';
import { BEFORE_START, type CommandContext, DeciderRuntime, stepContext } from '../event-store/index.js';
import { Refused } from '../platform/index.js';
import { FollowUps, type Positioned } from '../projections/index.js';
import { allowsMoreThan, roleAt } from '../roles/index.js';
import { loadCircumstances } from './circumstances.js';
import { endRequestGrant, type GrantEndReason, reasonToClose, type RoleWanted, sourceOf } from './request.decider.js';
import { executeOnRequest, loadRequest, type RequestKey } from './request-stream.js';

function isFinal(error: unknown): error is Refused {
  return error instanceof Refused && !error.isPassing;
}

/** The step in which the request is told that no grant was made. */
export const REFUSED = 'refused';

/**
 * Makes the grant of an approved request; where it can't be made any more, the request says so. A role that was changed
 * between the check of the decider's rights and the approval is not granted: it may allow more than they hold.
 */
export class GrantRequested extends Command<Positioned> {
  constructor(
    readonly context: CommandContext,
    readonly input: RoleWanted & {
      /** Of a role of the tenant: the revision whose permissions the decider was found to hold. */
      roleRevision?: number;
      /** Position of the approval. */
      approvedAt: number;
    },
  ) {
    super();
  }
}

@CommandHandler(GrantRequested)
export class GrantRequestedHandler implements ICommandHandler<GrantRequested> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly bus: CommandBus,
  ) {}

  async execute({ context, input }: GrantRequested): Promise<Positioned> {
    if (!(await this.isApproved(input))) return { position: BEFORE_START };
    const fault = await this.faultOfRole(input);
    if (fault) return this.refuse(context, input, fault);
    const { requestId, tenantId, requester: subject, role, target, until } = input;
    const grant = { tenantId, subject, target, role, until, source: sourceOf(requestId), giver: BY_PROCESS };
    let position: number;
    try {
      ({ position } = await this.bus.execute(new GrantRole(context, grant)));
    } catch (error) {
      if (!isFinal(error)) throw error;
      const circumstances = await loadCircumstances(this.runtime, input, context.at);
      return this.refuse(context, input, reasonToClose(circumstances) ?? 'not-granted');
    }
    if (await this.isApproved(input)) return { position };
    // Ended while the grant was on its way.
    return this.bus.execute(new EndRequestedRole(stepContext(context, 'ended'), input));
  }

  private refuse(context: CommandContext, { requestId, tenantId }: RoleWanted, reason: GrantEndReason) {
    const end = { requestId, tenantId, reason, by: null };
    return this.bus.execute<EndRequestGrant, Positioned>(new EndRequestGrant(stepContext(context, REFUSED), end));
  }

  /**
   * Judged by the order of the log: what becomes of the role after the approval counts for who holds it, and what was
   * approved before its deletion started keeps it from being deleted.
   */
  private async faultOfRole({ role, roleRevision, approvedAt }: GrantRequested['input']) {
    if (roleRevision === undefined) return undefined;
    const then = await roleAt(this.runtime, role, approvedAt);
    if (then.status !== 'active') return 'role-deleted';
    return allowsMoreThan(then, roleRevision) ? 'role-changed' : undefined;
  }

  private async isApproved({ requestId }: RoleWanted): Promise<boolean> {
    const { state } = await loadRequest(this.runtime, requestId);
    return state.request.status === 'approved';
  }
}

/** Tells an approved request that its grant ended. */
export class EndRequestGrant extends Command<Positioned> {
  constructor(
    readonly context: CommandContext,
    readonly input: RequestKey & { reason: GrantEndReason; by: Subject | null },
  ) {
    super();
  }
}

@CommandHandler(EndRequestGrant)
export class EndRequestGrantHandler implements ICommandHandler<EndRequestGrant> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input }: EndRequestGrant): Promise<Positioned> {
    const { events, position } = await executeOnRequest(this.runtime, context, input, ({ request }) =>
      endRequestGrant({ ...input, at: context.at }, request),
    );
    return { position: await this.followUps.run(events, position) };
  }
}

/** Ends what a request's grant gave, where something of it is left. */
export class EndRequestedRole extends Command<Positioned> {
  constructor(
    readonly context: CommandContext,
    readonly input: Omit<RoleWanted, 'until'>,
  ) {
    super();
  }
}

@CommandHandler(EndRequestedRole)
export class EndRequestedRoleHandler implements ICommandHandler<EndRequestedRole> {
  private readonly logger = new Logger(EndRequestedRole.name);

  constructor(private readonly bus: CommandBus) {}

  async execute({ context, input }: EndRequestedRole): Promise<Positioned> {
    const { requestId, tenantId, requester: subject, target, role } = input;
    const end = { tenantId, subject, target, role, sources: [sourceOf(requestId)], reason: 'revoked' as const };
    try {
      return await this.bus.execute(new EndRole(context, end));
    } catch (error) {
      if (!isFinal(error)) throw error;
      this.logger.warn(`the role of request ${requestId} stays: ${error.code}`);
      return { position: BEFORE_START };
    }
  }
}
