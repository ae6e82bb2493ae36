import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { BEFORE_START, type CommandContext, DeciderRuntime } from '../event-store/index.js';
import { Refused } from '../platform/index.js';
import { FollowUps, type Positioned } from '../projections/index.js';
import { loadCircumstances } from './circumstances.js';
import { type NewRequest, openRole } from './open-role.js';
import { closeOrphanedRequest, reasonToClose, type RoleAsked, submitRequest } from './request.decider.js';
import { identityOf } from './request-resource.js';
import { executeOnRequest, isSubmitted, loadRequest } from './request-stream.js';

const NO_ROOM = ['role-already-held', 'request-pending', 'not-found'];

/** Opens the request that took the place of another; where there is no room for it any more, none is open. */
export class OpenSuperseding extends Command<Positioned> {
  constructor(
    readonly context: CommandContext,
    readonly input: NewRequest & { supersedes: string },
  ) {
    super();
  }
}

@CommandHandler(OpenSuperseding)
export class OpenSupersedingHandler implements ICommandHandler<OpenSuperseding> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input: { supersedes, ...asked } }: OpenSuperseding): Promise<Positioned> {
    const { state, position } = await loadRequest(this.runtime, asked.requestId);
    if (isSubmitted(state)) return { position };
    try {
      const opened = await openRole(this.runtime, context, asked, supersedes);
      return { position: await this.followUps.run(opened.events, opened.position) };
    } catch (error) {
      if (error instanceof Refused && NO_ROOM.includes(error.code)) return { position: BEFORE_START };
      throw error;
    }
  }
}

/** Submits a request that was opened on its assignment. */
export class CompleteSubmission extends Command<Positioned> {
  constructor(
    readonly context: CommandContext,
    readonly input: RoleAsked & { reason?: string; at: string },
  ) {
    super();
  }
}

@CommandHandler(CompleteSubmission)
export class CompleteSubmissionHandler implements ICommandHandler<CompleteSubmission> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input }: CompleteSubmission): Promise<Positioned> {
    const requesterName = (await identityOf(this.runtime, input.requester, null)).displayName ?? undefined;
    const { events, position } = await executeOnRequest(this.runtime, context, input, ({ request }) =>
      submitRequest({ ...input, requesterName }, request),
    );
    return { position: await this.followUps.run(events, position) };
  }
}

/** Closes a request that has come to the end of its tenant, its target or its requester's membership. */
export class CloseOrphanedRequest extends Command<Positioned> {
  constructor(
    readonly context: CommandContext,
    readonly input: Pick<RoleAsked, 'requestId' | 'tenantId' | 'requester' | 'role' | 'target'>,
  ) {
    super();
  }
}

@CommandHandler(CloseOrphanedRequest)
export class CloseOrphanedRequestHandler implements ICommandHandler<CloseOrphanedRequest> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input }: CloseOrphanedRequest): Promise<Positioned> {
    const [{ state, position }, circumstances] = await Promise.all([
      loadRequest(this.runtime, input.requestId),
      loadCircumstances(this.runtime, input, context.at),
    ]);
    if (!isSubmitted(state) || state.request.status !== 'pending') return { position };
    if (reasonToClose(circumstances) === undefined) return { position };
    const closed = await executeOnRequest(this.runtime, context, input, ({ request }) =>
      closeOrphanedRequest({ circumstances, at: context.at }, request),
    );
    return { position: await this.followUps.run(closed.events, closed.position) };
  }
}
