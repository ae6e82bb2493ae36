import { Command, CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { EndRole, type Subject } from '../assignments/index.js';
import type { Accepted } from '../edge/index.js';
import { type CommandContext, DeciderRuntime, stepContext } from '../event-store/index.js';
import { Refused } from '../platform/index.js';
import { noteRevocation, refuseRevocation, sourceOf, type SubmittedRequest } from './request.decider.js';
import { acceptedRequest, type RequestResource } from './request-resource.js';
import { executeOnRequest, isStale, loadRequest, requireRequest, type RequestKey } from './request-stream.js';

/** Ends the grant of an approved request; that it is revoked follows from that. What ended already needs nothing. */
export class RevokeRequest extends Command<Accepted<RequestResource>> {
  constructor(
    readonly context: CommandContext,
    readonly input: RequestKey & { by: Subject; note?: string },
  ) {
    super();
  }
}

@CommandHandler(RevokeRequest)
export class RevokeRequestHandler implements ICommandHandler<RevokeRequest> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly bus: CommandBus,
  ) {}

  async execute({ context, input }: RevokeRequest): Promise<Accepted<RequestResource>> {
    const found = await requireRequest(this.runtime, input);
    const { request } = found;
    // What was revoked already may have been so by this very command.
    if (request.status === 'approved' && isStale(input, found)) throw new Refused('stale-revision');
    const refusal = refuseRevocation(request);
    if (refusal) throw new Refused(refusal.refused, refusal.detail, refusal.extra);
    if (request.status === 'approved') await this.endRole(context, request);
    if (input.note !== undefined) await this.note(context, { ...input, note: input.note });
    const { state, position } = await loadRequest(this.runtime, input.requestId);
    return acceptedRequest(this.runtime, state, position);
  }

  private async endRole(context: CommandContext, request: SubmittedRequest): Promise<void> {
    const { requestId, tenantId, requester: subject, target, role } = request;
    const end = { tenantId, subject, target, role, sources: [sourceOf(requestId)], reason: 'revoked' as const };
    await this.bus.execute(new EndRole(context, end));
    const { state } = await loadRequest(this.runtime, requestId);
    // Neither was there a grant to end, nor did one end before: it is still on its way.
    if (state.request.status === 'approved') throw new Refused('not-yet');
  }

  private async note(context: CommandContext, input: RevokeRequest['input'] & { note: string }): Promise<void> {
    const { tenantId, requestId, by, note } = input;
    await executeOnRequest(this.runtime, stepContext(context, 'note'), { tenantId, requestId }, ({ request }) =>
      noteRevocation({ by, note, at: context.at }, request),
    );
  }
}
