import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Accepted } from '../edge/index.js';
import { type CommandContext, DeciderRuntime, stepContext } from '../event-store/index.js';
import { IDS, type Ids, mintToken, type Pepper, Refused } from '../platform/index.js';
import { FollowUps } from '../projections/index.js';
import { TOKEN_PEPPERS } from '../tokens/index.js';
import { createApiKey } from './api-keys.decider.js';
import { executeOnApiKeys, type KeyHolder, mayHoldKeys } from './api-keys-stream.js';

export interface ApiKeyResource {
  id: string;
  tenantId: string;
  userId: string;
  name: string;
  prefix: string;
  createdAt: string;
  expiresAt: string;
  revokedAt: string | null;
}
/** The whole key is told once; a repeat of the command gets null. */
export type CreatedApiKey = ApiKeyResource & { secret: string | null };

const PREFIX_LENGTH = 12;

export class CreateApiKey extends Command<Accepted<CreatedApiKey>> {
  constructor(
    readonly context: CommandContext,
    readonly input: KeyHolder & { apiKeyId: string; name: string; expiresInDays: number },
  ) {
    super();
  }
}

@CommandHandler(CreateApiKey)
export class CreateApiKeyHandler implements ICommandHandler<CreateApiKey> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
    @Inject(IDS) private readonly ids: Ids,
    @Inject(TOKEN_PEPPERS) private readonly peppers: readonly [Pepper, ...Pepper[]],
  ) {}

  async execute({ context, input }: CreateApiKey): Promise<Accepted<CreatedApiKey>> {
    const { at } = context;
    const mayHold = await mayHoldKeys(this.runtime, input, at);
    const minted = mintToken('key', input.apiKeyId, this.ids, this.peppers[0]);
    const prefix = minted.token.slice(0, PREFIX_LENGTH);
    // With a command id of its own for each secret: two processes that get the same call at once would both believe that
    // theirs is stored.
    const outcome = await executeOnApiKeys(this.runtime, stepContext(context, minted.hmac), input, (keys) =>
      createApiKey({ ...input, mayHold, prefix, hmac: minted.hmac, at }, keys),
    );
    const key = outcome.state.get(input.apiKeyId);
    if (!key) throw new Refused('not-found');
    const { id, name, createdAt, expiresAt, hmac } = key;
    const secret = hmac === minted.hmac ? minted.token : null;
    const position = await this.followUps.run(outcome.events, outcome.position);
    const { tenantId, userId } = input;
    const times = { createdAt, expiresAt, revokedAt: null };
    return { resource: { id, tenantId, userId, name, prefix: key.prefix, ...times, secret }, revision: 1, position };
  }
}
