import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Accepted } from '../edge/index.js';
import { type CommandContext, DeciderRuntime } from '../event-store/index.js';
import { FollowUps } from '../projections/index.js';
import { type RevocationReason, revokeToken } from './user-tokens.decider.js';
import { executeOnTokens } from './user-tokens-stream.js';

export class RevokeToken extends Command<Accepted> {
  constructor(
    readonly context: CommandContext,
    readonly input: { tokenId: string; userId: string; reason: RevocationReason; ifRevision?: number },
  ) {
    super();
  }
}

@CommandHandler(RevokeToken)
export class RevokeTokenHandler implements ICommandHandler<RevokeToken> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input }: RevokeToken): Promise<Accepted> {
    const outcome = await executeOnTokens(this.runtime, context, input.userId, (tokens) =>
      revokeToken({ ...input, at: context.at }, tokens),
    );
    const { revision } = outcome.state.get(input.tokenId)!;
    return { resource: {}, revision, position: await this.followUps.run(outcome.events, outcome.position) };
  }
}
