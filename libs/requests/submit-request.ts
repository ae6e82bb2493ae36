import { Command, CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { isBuiltIn, loadAssignment, openRoleRequest, requireFit, requireTarget } from '../assignments/index.js';
import type { Accepted } from '../edge/index.js';
import { BEFORE_START, type CommandContext, DeciderRuntime, type Loaded, stepContext } from '../event-store/index.js';
import { Refused } from '../platform/index.js';
import { FollowUps } from '../projections/index.js';
import { requireRole } from '../roles/index.js';
import { CloseRoleRequest } from './close-role-request.js';
import { assignmentOf, type NewRequest, openAs, type Opening, openingOf } from './open-role.js';
import { supersedeRequest } from './request.decider.js';
import { acceptedRequest, asSubmitted, identityOf, type RequestResource } from './request-resource.js';
import { executeOnRequest, isSubmitted, loadRequest, type RequestState, seenRequest } from './request-stream.js';

/** Opens a request on the assignment it is about; its submission follows from that. */
export class SubmitRequest extends Command<Accepted<RequestResource>> {
  constructor(
    readonly context: CommandContext,
    readonly input: NewRequest & {
      /** Takes the place of the requester's open request for the same role. */
      supersede: boolean;
    },
  ) {
    super();
  }
}

@CommandHandler(SubmitRequest)
export class SubmitRequestHandler implements ICommandHandler<SubmitRequest> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly bus: CommandBus,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input }: SubmitRequest): Promise<Accepted<RequestResource>> {
    const { supersede, ...asked } = input;
    // Nothing of this depends on the other: read together.
    const [loaded, looked, requester] = await Promise.allSettled([
      loadRequest(this.runtime, asked.requestId),
      this.lookAt(context, asked),
      identityOf(this.runtime, asked.requester, null),
    ]);
    let { state, position } = valueOf(loaded);
    if (!isSubmitted(state)) {
      const opening = valueOf(looked);
      const followed = await (supersede ? this.submitInPlace(context, asked) : this.submit(context, opening));
      ({ state, position } = await this.submitted(asked.requestId));
      position = Math.max(position, followed);
    }
    // Opened by the process that completes a crashed call, and not submitted yet.
    if (!isSubmitted(state)) throw new Refused('not-yet');
    return acceptedRequest(this.runtime, asSubmitted(state), position, valueOf(requester));
  }

  /** What was submitted never changes: it is read only where this process has not seen it. */
  private submitted(requestId: string): Loaded<RequestState> | Promise<Loaded<RequestState>> {
    const seen = seenRequest(this.runtime, requestId);
    if (seen && isSubmitted(seen.state)) return seen;
    // Perhaps by the process that completes a crashed call, or by a try of this call that was given up: just now.
    return loadRequest(this.runtime, requestId);
  }

  private async submit(context: CommandContext, opening: Opening): Promise<number> {
    const opened = await openAs(this.runtime, context, opening);
    return this.followUps.run(opened.events, opened.position);
  }

  private async submitInPlace(context: CommandContext, asked: NewRequest): Promise<number> {
    const position = await this.supersede(context, asked);
    // Perhaps by the process that completes a crashed call, just now.
    const submitted = await loadRequest(this.runtime, asked.requestId);
    if (isSubmitted(submitted.state)) return Math.max(position, submitted.position);
    return this.submit(context, await openingOf(this.runtime, context, asked));
  }

  /** What is asked must be requestable. @returns what the assignment is asked if it is */
  private async lookAt(context: CommandContext, asked: NewRequest): Promise<Opening> {
    const [requestable, opening] = await Promise.allSettled([
      this.requireRequestable(context, asked),
      openingOf(this.runtime, context, asked),
    ]);
    valueOf(requestable);
    return valueOf(opening);
  }

  private async requireRequestable(context: CommandContext, asked: NewRequest) {
    const { tenantId, role, target, until } = asked;
    requireFit({ subject: asked.requester, target, role });
    if (until !== null && until <= context.at) {
      throw new Refused('until-passed', 'until must be in the future', { field: 'until' });
    }
    const { requestable } = await requireTarget(this.runtime, { tenantId, target });
    const mayAsk = isBuiltIn(role)
      ? requestable.some((word) => word === `${target.type}:${role}`)
      : await this.isOffered(tenantId, role);
    if (!mayAsk) {
      throw new Refused('role-not-requestable', `${role} of a ${target.type} is not requestable`, { field: 'role' });
    }
  }

  /** @throws Refused `not-found` where the tenant has no such role */
  private async isOffered(tenantId: string, roleId: string): Promise<boolean> {
    const { status, requestable } = await requireRole(this.runtime, { tenantId, roleId });
    return status === 'active' && requestable;
  }

  /** Closes the open request for the role, where there is one; the new one follows from that. */
  private async supersede(context: CommandContext, asked: NewRequest): Promise<number> {
    const key = assignmentOf(asked);
    const assignment = await loadAssignment(this.runtime, key);
    const open = assignment.pending[asked.role];
    if (open === undefined || open === asked.requestId) return BEFORE_START;
    const opening = openRoleRequest(await openingOf(this.runtime, context, asked, open), assignment);
    if ('refused' in opening) throw new Refused(opening.refused, opening.detail, opening.extra);
    const { reason, ...by } = asked;
    const { tenantId, role } = by;
    try {
      const step = stepContext(context, 'supersede');
      const superseded = await executeOnRequest(this.runtime, step, { tenantId, requestId: open }, ({ request }) =>
        supersedeRequest({ by, reason, at: context.at }, request),
      );
      return this.followUps.run(superseded.events, superseded.position);
    } catch (error) {
      if (!(error instanceof Refused) || error.code !== 'request-not-pending') throw error;
      // Decided in the meantime: nothing is open any more.
      const release = { ...key, requestId: open, role };
      return (await this.bus.execute(new CloseRoleRequest(stepContext(context, 'release'), release))).position;
    }
  }
}

function valueOf<T>(settled: PromiseSettledResult<T>): T {
  if (settled.status === 'rejected') throw settled.reason;
  return settled.value;
}
