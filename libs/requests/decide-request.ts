import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Subject } from '../assignments/index.js';
import type { Accepted } from '../edge/index.js';
import { type CommandContext, DeciderRuntime } from '../event-store/index.js';
import { FollowUps } from '../projections/index.js';
import type { Verdict } from './approval.decider.js';
import { loadCircumstances } from './circumstances.js';
import { acceptedRequest, type RequestResource } from './request-resource.js';
import { decideRequest, executeOnRequest, requireRequest, type RequestKey } from './request-stream.js';

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
  ) {}

  async execute({ context, input }: DecideRequest): Promise<Accepted<RequestResource>> {
    const { request } = await requireRequest(this.runtime, input);
    const circumstances = await loadCircumstances(this.runtime, request, context.at);
    const outcome = await executeOnRequest(this.runtime, context, input, (state) =>
      decideRequest({ ...input, circumstances, at: context.at }, state),
    );
    const position = await this.followUps.run(outcome.events, outcome.position);
    return acceptedRequest(this.runtime, outcome.state, position);
  }
}
