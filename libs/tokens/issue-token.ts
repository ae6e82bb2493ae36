import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Accepted } from '../edge/index.js';
import { type CommandContext, DeciderRuntime } from '../event-store/index.js';
import { sameNameAs } from '../platform/index.js';
import { FollowUps } from '../projections/index.js';
import { loadUser } from '../users/index.js';
import { SecretMint } from './secret-mint.js';
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
    private readonly secrets: SecretMint,
  ) {}

  async execute({ context, input }: IssueToken): Promise<Accepted<IssuedToken>> {
    const { tokenId, userId } = input;
    const owner = (await loadUser(this.runtime, userId)).status;
    const minted = this.secrets.mint('pat', tokenId, context);
    const outcome = await executeOnTokens(this.runtime, minted.context, userId, (tokens) =>
      issueToken({ ...input, owner, hmac: minted.hmac, at: context.at }, tokens, sameNameAs),
    );
    const { name, createdAt, expiresAt, hmac } = outcome.state.get(tokenId)!;
    const secret = minted.toldWhere(hmac);
    const createdBy = context.actor.id;
    const position = await this.followUps.run(outcome.events, outcome.position);
    const resource = { id: tokenId, userId, name, createdAt, createdBy, expiresAt, revokedAt: null, secret };
    return { resource, revision: 1, position };
  }
}
