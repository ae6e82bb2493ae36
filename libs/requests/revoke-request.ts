import { Command, CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { endedBy, EndRole, type Subject } from '../assignments/index.js';
import type { Accepted } from '../edge/index.js';
import {
  type CommandContext,
  DeciderRuntime,
  followUpContext,
  type Loaded,
  stepContext,
} from '../event-store/index.js';
import { Refused } from '../platform/index.js';
import { noteRevocation, refuseRevocation, sourceOf, type SubmittedRequest } from './request.decider.js';
import { acceptedRequest, type RequestResource } from './request-resource.js';
import {
  executeOnRequest,
  isStale,
  loadRequest,
  requestAsOf,
  REQUESTS_PROCESS,
  requireRequest,
  type RequestKey,
  type RequestState,
} from './request-stream.js';

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
    const { note } = input;
    const noted = note === undefined ? undefined : await this.note(context, { ...input, note });
    const { state, position } = noted ?? (await this.ended(context, request));
    return acceptedRequest(this.runtime, state, position);
  }

  private async endRole(context: CommandContext, request: SubmittedRequest): Promise<void> {
    await this.bus.execute(new EndRole(context, endOf(request)));
    const { state } = await loadRequest(this.runtime, request.requestId);
    // Neither was there a grant to end, nor did one end before: it is still on its way.
    if (state.request.status === 'approved') throw new Refused('not-yet');
  }

  /** As this command's end of the role left it: a repeat must not find what was noted since. Else as it is now. */
  private async ended({ commandId }: CommandContext, request: SubmittedRequest): Promise<Loaded<RequestState>> {
    const { requestId } = request;
    const [event] = await endedBy(this.runtime, endOf(request), commandId);
    if (!event) return loadRequest(this.runtime, requestId);
    return requestAsOf(this.runtime, requestId, followUpContext(event, REQUESTS_PROCESS, 0).commandId);
  }

  /** @returns undefined where it adds nothing */
  private async note(context: CommandContext, input: RevokeRequest['input'] & { note: string }) {
    const { tenantId, requestId, by, note } = input;
    const step = stepContext(context, 'note');
    const outcome = await executeOnRequest(this.runtime, step, { tenantId, requestId }, ({ request }) =>
      noteRevocation({ by, note, at: context.at }, request),
    );
    return outcome.events.length > 0 ? outcome : undefined;
  }
}

function endOf({ requestId, tenantId, requester: subject, target, role }: SubmittedRequest): EndRole['input'] {
  return { tenantId, subject, target, role, sources: [sourceOf(requestId)], reason: 'revoked' };
}
