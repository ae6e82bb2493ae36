import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Subject } from '../assignments/index.js';
import type { Accepted } from '../edge/index.js';
import {
  type CommandContext,
  DeciderRuntime,
  followUpContext,
  type Recorded,
  stepContext,
} from '../event-store/index.js';
import { Refused } from '../platform/index.js';
import { FollowUps, Progress } from '../projections/index.js';
import type { Verdict } from './approval.decider.js';
import { loadCircumstances } from './circumstances.js';
import { REFUSED } from './complete-decision.js';
import { statusAfter } from './request.decider.js';
import { acceptedRequest, type RequestResource } from './request-resource.js';
import {
  decideRequest,
  executeOnRequest,
  seenOnRequest,
  REQUESTS_PROCESS,
  type RequestKey,
  type RequestStreamEvent,
  requireRequest,
} from './request-stream.js';

/** Records a decision; the grant, or the end of the open request, follows from it. */
export class DecideRequest extends Command<Accepted<RequestResource>> {
  constructor(
    readonly context: CommandContext,
    readonly input: RequestKey & {
      by: Subject;
      verdict: Verdict;
      note?: string;
      reviewerName?: string;
      /** Of a role of the tenant: the revision whose permissions the decider was found to hold. */
      judgedRevision?: number;
    },
  ) {
    super();
  }
}

@CommandHandler(DecideRequest)
export class DecideRequestHandler implements ICommandHandler<DecideRequest> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
    private readonly progress: Progress,
  ) {}

  async execute({ context, input }: DecideRequest): Promise<Accepted<RequestResource>> {
    const { request } = await requireRequest(this.runtime, input);
    const circumstances = await loadCircumstances(this.runtime, request, context.at);
    const outcome = await executeOnRequest(this.runtime, context, input, (state) =>
      decideRequest({ ...input, circumstances, at: context.at }, state),
    );
    const position = await this.followUps.run(outcome.events, outcome.position);
    await this.requireGranted(input, outcome.events, position);
    return acceptedRequest(this.runtime, outcome.state, position);
  }

  /** Role or requester may have gone, or the role been changed, while it was approved: then nothing was granted. */
  private async requireGranted(
    { requestId }: RequestKey,
    events: readonly Recorded<RequestStreamEvent>[],
    position: number,
  ) {
    const approved = events.find(({ type }) => type === 'request-approved.v1');
    if (!approved) return;
    const { commandId } = stepContext(followUpContext(approved, REQUESTS_PROCESS, 0), REFUSED);
    const [refused] = (await seenOnRequest(this.runtime, requestId, commandId))?.events ?? [];
    if (refused?.type !== 'request-grant-ended.v1') return;
    const refusal =
      refused.data.reason === 'role-changed'
        ? new Refused('role-changed-meanwhile')
        : new Refused('request-not-pending', undefined, { requestStatus: statusAfter(refused.data.reason) });
    await this.progress.refuseTakenBack(position, refusal);
  }
}
