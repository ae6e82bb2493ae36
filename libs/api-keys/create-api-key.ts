import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Accepted } from '../edge/index.js';
import { type CommandContext, DeciderRuntime } from '../event-store/index.js';
import { Refused, sameNameAs } from '../platform/index.js';
import { FollowUps } from '../projections/index.js';
import { SecretMint } from '../tokens/index.js';
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
    private readonly secrets: SecretMint,
  ) {}

  async execute({ context, input }: CreateApiKey): Promise<Accepted<CreatedApiKey>> {
    const { at } = context;
    const mayHold = await mayHoldKeys(this.runtime, input, at);
    const minted = this.secrets.mint('key', input.apiKeyId, context);
    const prefix = minted.token.slice(0, PREFIX_LENGTH);
    const outcome = await executeOnApiKeys(this.runtime, minted.context, input, (keys) =>
      createApiKey({ ...input, mayHold, prefix, hmac: minted.hmac, at }, keys, sameNameAs),
    );
    const key = outcome.state.get(input.apiKeyId);
    if (!key) throw new Refused('not-found');
    const { id, name, createdAt, expiresAt, hmac } = key;
    const secret = minted.toldWhere(hmac);
    const position = await this.followUps.run(outcome.events, outcome.position);
    const { tenantId, userId } = input;
    const times = { createdAt, expiresAt, revokedAt: null };
    return { resource: { id, tenantId, userId, name, prefix: key.prefix, ...times, secret }, revision: 1, position };
  }
}
