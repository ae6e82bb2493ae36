import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Subject } from '../assignments/index.js';
import type { Accepted } from '../edge/index.js';
import { type CommandContext, DeciderRuntime } from '../event-store/index.js';
import { FollowUps } from '../projections/index.js';
import { withdrawRequest } from './request.decider.js';
import { acceptedRequest, type RequestResource } from './request-resource.js';
import { executeOnRequest, type RequestKey } from './request-stream.js';

export class WithdrawRequest extends Command<Accepted<RequestResource>> {
  constructor(
    readonly context: CommandContext,
    readonly input: RequestKey & { by: Subject },
  ) {
    super();
  }
}

@CommandHandler(WithdrawRequest)
export class WithdrawRequestHandler implements ICommandHandler<WithdrawRequest> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input }: WithdrawRequest): Promise<Accepted<RequestResource>> {
    const outcome = await executeOnRequest(this.runtime, context, input, ({ request }) =>
      withdrawRequest({ by: input.by, at: context.at }, request),
    );
    const position = await this.followUps.run(outcome.events, outcome.position);
    return acceptedRequest(this.runtime, outcome.state, position);
  }
}
