import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Kysely } from 'kysely';
import { type Accepted, KYSELY } from '../edge/index.js';
import { type CommandContext, DeciderRuntime, stepContext } from '../event-store/index.js';
import { FollowUps, forEachOf, type Positioned } from '../projections/index.js';
import { loadTenant } from '../tenants/index.js';
import { deleteApiKeysOf, revokeApiKey, revokeApiKeysOf, type RevocationReason } from './api-keys.decider.js';
import { executeOnApiKeys, type KeyHolder, mayHoldKeys } from './api-keys-stream.js';
import type { ApiKeyTables } from './list-api-keys.js';

export class RevokeApiKey extends Command<Accepted> {
  constructor(
    readonly context: CommandContext,
    readonly input: KeyHolder & { apiKeyId: string; reason: RevocationReason; ifRevision?: number },
  ) {
    super();
  }
}

@CommandHandler(RevokeApiKey)
export class RevokeApiKeyHandler implements ICommandHandler<RevokeApiKey> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input }: RevokeApiKey): Promise<Accepted> {
    const { state, events, position } = await executeOnApiKeys(this.runtime, context, input, (keys) =>
      revokeApiKey({ ...input, at: context.at }, keys),
    );
    const { revision } = state.get(input.apiKeyId)!;
    return { resource: {}, revision, position: await this.followUps.run(events, position) };
  }
}

/** Ends the keys of somebody who left the tenant, or whose tenant is going. */
export class EndApiKeysOf extends Command<Positioned> {
  constructor(
    readonly context: CommandContext,
    readonly input: KeyHolder & {
      /** Of the event that may have ended them; they end if they are older, however things stand now. */
      position: number;
      /** Only where the user is no member now. */
      unlessMember: boolean;
    },
  ) {
    super();
  }
}

@CommandHandler(EndApiKeysOf)
export class EndApiKeysOfHandler implements ICommandHandler<EndApiKeysOf> {
  constructor(private readonly runtime: DeciderRuntime) {}

  async execute({ context, input }: EndApiKeysOf): Promise<Positioned> {
    const { tenantId, userId, position, unlessMember } = input;
    const { at } = context;
    const member = { tenantId, userId, at };
    if ((await loadTenant(this.runtime, tenantId)).status !== 'active') {
      return executeOnApiKeys(this.runtime, context, input, (keys) => deleteApiKeysOf(member, keys));
    }
    if (unlessMember && (await mayHoldKeys(this.runtime, input, at))) return { position };
    // The key whose creation is looked into ends too.
    const before = unlessMember ? position + 1 : position;
    return executeOnApiKeys(this.runtime, context, input, (keys) => revokeApiKeysOf({ ...member, before }, keys));
  }
}

/** Deletes every key for a tenant that is being deleted. */
export class ClearApiKeys extends Command<Positioned> {
  constructor(
    readonly context: CommandContext,
    readonly input: { tenantId: string; position: number },
  ) {
    super();
  }
}

@CommandHandler(ClearApiKeys)
export class ClearApiKeysHandler implements ICommandHandler<ClearApiKeys> {
  constructor(
    private readonly runtime: DeciderRuntime,
    @Inject(KYSELY) private readonly db: Kysely<ApiKeyTables>,
  ) {}

  async execute({ context, input: { tenantId, position } }: ClearApiKeys): Promise<Positioned> {
    // Rows that lag behind may not name all of them: the relay's process comes later, and finds them there.
    const rows = await this.db
      .selectFrom('api_key')
      .select('user_id as userId')
      .distinct()
      .where('tenant_id', '=', tenantId)
      .orderBy('user_id')
      .execute();
    return forEachOf(rows, position, ({ userId }) => {
      const member = { tenantId, userId, at: context.at };
      return executeOnApiKeys(this.runtime, stepContext(context, userId), member, (keys) =>
        deleteApiKeysOf(member, keys),
      );
    });
  }
}
