import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Accepted } from '../edge/index.js';
import { type CommandContext, DeciderRuntime, stepContext } from '../event-store/index.js';
import { IDS, type Ids, mintToken, type Pepper } from '../platform/index.js';
import { FollowUps } from '../projections/index.js';
import { loadUser } from '../users/index.js';
import { TOKEN_PEPPERS } from './secrets.js';
import { issueToken } from './user-tokens.decider.js';
import { executeOnTokens, type TokenResource } from './user-tokens-stream.js';

/** The whole token is told once; a repeat of the command gets null. */
export type IssuedToken = TokenResource & { secret: string | null };

export class IssueToken extends Command<Accepted<IssuedToken>> {
  constructor(
    readonly context: CommandContext,
    readonly input: { tokenId: string; userId: string; name: string; expiresInDays: number | null },
  ) {
    super();
  }
}

@CommandHandler(IssueToken)
export class IssueTokenHandler implements ICommandHandler<IssueToken> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
    @Inject(IDS) private readonly ids: Ids,
    @Inject(TOKEN_PEPPERS) private readonly peppers: readonly [Pepper, ...Pepper[]],
  ) {}

  async execute({ context, input }: IssueToken): Promise<Accepted<IssuedToken>> {
    const { tokenId, userId } = input;
    const owner = (await loadUser(this.runtime, userId)).status;
    const minted = mintToken('pat', tokenId, this.ids, this.peppers[0]);
    // With a command id of its own for each secret: two processes that get the same call at once would both believe that
    // theirs is stored.
    const outcome = await executeOnTokens(this.runtime, stepContext(context, minted.hmac), userId, (tokens) =>
      issueToken({ ...input, owner, hmac: minted.hmac, at: context.at }, tokens),
    );
    const { name, createdAt, expiresAt, hmac } = outcome.state.get(tokenId)!;
    const secret = hmac === minted.hmac ? minted.token : null;
    const createdBy = context.actor.id;
    const position = await this.followUps.run(outcome.events, outcome.position);
    const resource = { id: tokenId, userId, name, createdAt, createdBy, expiresAt, revokedAt: null, secret };
    return { resource, revision: 1, position };
  }
}
