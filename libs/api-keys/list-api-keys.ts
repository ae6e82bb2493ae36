import { Inject } from '@nestjs/common';
import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import type { Kysely } from 'kysely';
import { KYSELY, type Page, PageQuery, Paging, SIGNING_KEY } from '../edge/index.js';
import type { ApiKeyResource } from './create-api-key.js';

interface ApiKeyTable {
  id: string;
  tenant_id: string;
  user_id: string;
  name: string;
  prefix: string;
  hmac: string;
  created_at: string;
  expires_at: string;
  revoked_at: string | null;
  revision: number;
}
export interface ApiKeyTables {
  api_key: ApiKeyTable;
  credential_use: { id: string; last_used_at: string };
}
export type ListedApiKey = ApiKeyResource & { lastUsedAt: string | null; revision: number };

function apiKeysIn(db: Kysely<ApiKeyTables>, tenantId: string) {
  return db
    .selectFrom('api_key as k')
    .leftJoin('credential_use as u', 'u.id', 'k.id')
    .select(['k.id', 'k.tenant_id', 'k.user_id', 'k.name', 'k.prefix', 'k.created_at', 'k.expires_at'])
    .select(['k.revoked_at', 'k.revision', 'u.last_used_at'])
    .where('k.tenant_id', '=', tenantId);
}

function listedApiKey(row: Awaited<ReturnType<ReturnType<typeof apiKeysIn>['execute']>>[number]): ListedApiKey {
  const { id, tenant_id: tenantId, user_id: userId, name, prefix, revision, last_used_at: lastUsedAt } = row;
  const times = { createdAt: row.created_at, expiresAt: row.expires_at, revokedAt: row.revoked_at };
  return { id, tenantId, userId, name, prefix, ...times, lastUsedAt, revision };
}

/** The keys for a tenant, those that don't work any more too. */
export class ListApiKeys extends Query<Page<ListedApiKey>> {
  constructor(
    readonly tenantId: string,
    readonly page: PageQuery & { userId?: string },
  ) {
    super();
  }
}

@QueryHandler(ListApiKeys)
export class ListApiKeysHandler implements IQueryHandler<ListApiKeys> {
  constructor(
    @Inject(KYSELY) private readonly db: Kysely<ApiKeyTables>,
    @Inject(SIGNING_KEY) private readonly key: string,
  ) {}

  async execute({ tenantId, page }: ListApiKeys): Promise<Page<ListedApiKey>> {
    const paging = new Paging(this.key, `api-keys/${tenantId}`, page);
    const after = paging.after;
    const rows = await apiKeysIn(this.db, tenantId)
      .$if(page.userId !== undefined, (query) => query.where('k.user_id', '=', page.userId!))
      .$if(after !== undefined, (query) => query.where('k.id', '>', after![0] as string))
      .orderBy('k.id')
      .limit(paging.limit + 1)
      .execute();
    return paging.page(rows, listedApiKey, ({ id }) => [id]);
  }
}

/** One key; undefined where there is none with the id for the tenant. */
export class GetApiKey extends Query<ListedApiKey | undefined> {
  constructor(
    readonly tenantId: string,
    readonly apiKeyId: string,
  ) {
    super();
  }
}

@QueryHandler(GetApiKey)
export class GetApiKeyHandler implements IQueryHandler<GetApiKey> {
  constructor(@Inject(KYSELY) private readonly db: Kysely<ApiKeyTables>) {}

  async execute({ tenantId, apiKeyId }: GetApiKey): Promise<ListedApiKey | undefined> {
    const row = await apiKeysIn(this.db, tenantId).where('k.id', '=', apiKeyId).executeTakeFirst();
    return row && listedApiKey(row);
  }
}
