import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Accepted } from '../edge/index.js';
import { type CommandContext, DeciderRuntime } from '../event-store/index.js';
import { Refused, sameNameAs } from '../platform/index.js';
import { FollowUps } from '../projections/index.js';
import { SecretMint } from '../tokens/index.js';
import { issueServiceAccountToken, revokeServiceAccountToken } from './service-account.decider.js';
import { executeOnServiceAccount, type ServiceAccountKey } from './service-account-stream.js';

export interface ServiceAccountTokenResource {
  id: string;
  serviceAccountId: string;
  name: string;
  createdAt: string;
  createdBy: string;
  expiresAt: string | null;
  revokedAt: string | null;
}
/** The whole token is told once; a repeat of the command gets null. */
export type IssuedServiceAccountToken = ServiceAccountTokenResource & { secret: string | null };

export class IssueServiceAccountToken extends Command<Accepted<IssuedServiceAccountToken>> {
  constructor(
    readonly context: CommandContext,
    readonly input: ServiceAccountKey & { tokenId: string; name: string; expiresAt: string | null },
  ) {
    super();
  }
}

@CommandHandler(IssueServiceAccountToken)
export class IssueServiceAccountTokenHandler implements ICommandHandler<IssueServiceAccountToken> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
    private readonly secrets: SecretMint,
  ) {}

  async execute({ context, input }: IssueServiceAccountToken): Promise<Accepted<IssuedServiceAccountToken>> {
    const { serviceAccountId, ...asked } = input;
    const minted = this.secrets.mint('sat', asked.tokenId, context);
    const outcome = await executeOnServiceAccount(this.runtime, minted.context, input, (state) =>
      issueServiceAccountToken({ ...asked, hmac: minted.hmac, at: context.at }, state, sameNameAs),
    );
    const { state } = outcome;
    const token = state.status === 'absent' ? undefined : state.tokens.get(asked.tokenId);
    if (!token) throw new Refused('not-found');
    const { id, name, createdAt, expiresAt, hmac } = token;
    const secret = minted.toldWhere(hmac);
    const position = await this.followUps.run(outcome.events, outcome.position);
    const createdBy = context.actor.id;
    const resource = { id, serviceAccountId, name, createdAt, createdBy, expiresAt, revokedAt: null, secret };
    return { resource, revision: 1, position };
  }
}

export class RevokeServiceAccountToken extends Command<Accepted> {
  constructor(
    readonly context: CommandContext,
    readonly input: ServiceAccountKey & { tokenId: string; ifRevision?: number },
  ) {
    super();
  }
}

@CommandHandler(RevokeServiceAccountToken)
export class RevokeServiceAccountTokenHandler implements ICommandHandler<RevokeServiceAccountToken> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input }: RevokeServiceAccountToken): Promise<Accepted> {
    const { state, events, position } = await executeOnServiceAccount(this.runtime, context, input, (account) =>
      revokeServiceAccountToken({ ...input, at: context.at }, account),
    );
    const { revision = 0 } = (state.status === 'absent' ? undefined : state.tokens.get(input.tokenId)) ?? {};
    return { resource: {}, revision, position: await this.followUps.run(events, position) };
  }
}
