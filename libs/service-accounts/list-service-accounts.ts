import { Inject } from '@nestjs/common';
import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import type { Kysely } from 'kysely';
import { KYSELY, type Page, PageQuery, Paging, SIGNING_KEY } from '../edge/index.js';
import type { ServiceAccountKey, ServiceAccountResource } from './service-account-stream.js';
import type { ServiceAccountTokenResource } from './service-account-tokens.js';

interface ServiceAccountTable {
  id: string;
  tenant_id: string;
  name: string;
  created_at: string;
  updated_at: string;
  revision: number;
}
interface ServiceAccountTokenTable {
  id: string;
  service_account_id: string;
  tenant_id: string;
  name: string;
  hmac: string;
  created_at: string;
  created_by: string;
  expires_at: string | null;
  revoked_at: string | null;
  revision: number;
}
export interface ServiceAccountTables {
  service_account: ServiceAccountTable;
  service_account_token: ServiceAccountTokenTable;
  credential_use: { id: string; last_used_at: string };
}
export type ListedServiceAccount = ServiceAccountResource & { revision: number };
export type ListedServiceAccountToken = ServiceAccountTokenResource & { lastUsedAt: string | null; revision: number };

/** With the first page of its tokens, for who may list them. */
export type ServiceAccountDetails = ListedServiceAccount & { tokens: Page<ListedServiceAccountToken> | null };

function listedServiceAccount(row: ServiceAccountTable): ListedServiceAccount {
  const { id, tenant_id: tenantId, name, created_at: createdAt, updated_at: updatedAt, revision } = row;
  return { id, tenantId, name, createdAt, updatedAt, revision };
}

/** The service accounts of a tenant. */
export class ListServiceAccounts extends Query<Page<ListedServiceAccount>> {
  constructor(
    readonly tenantId: string,
    readonly page: PageQuery,
  ) {
    super();
  }
}

@QueryHandler(ListServiceAccounts)
export class ListServiceAccountsHandler implements IQueryHandler<ListServiceAccounts> {
  constructor(
    @Inject(KYSELY) private readonly db: Kysely<ServiceAccountTables>,
    @Inject(SIGNING_KEY) private readonly key: string,
  ) {}

  async execute({ tenantId, page }: ListServiceAccounts): Promise<Page<ListedServiceAccount>> {
    const paging = new Paging(this.key, `service-accounts/${tenantId}`, page);
    const after = paging.after;
    const rows = await this.db
      .selectFrom('service_account')
      .selectAll()
      .where('tenant_id', '=', tenantId)
      .$if(after !== undefined, (query) => query.where('id', '>', after![0] as string))
      .orderBy('id')
      .limit(paging.limit + 1)
      .execute();
    return paging.page(rows, listedServiceAccount, ({ id }) => [id]);
  }
}

/** One service account; undefined where the tenant has none with the id. */
export class GetServiceAccount extends Query<ListedServiceAccount | undefined> {
  constructor(readonly key: ServiceAccountKey) {
    super();
  }
}

@QueryHandler(GetServiceAccount)
export class GetServiceAccountHandler implements IQueryHandler<GetServiceAccount> {
  constructor(@Inject(KYSELY) private readonly db: Kysely<ServiceAccountTables>) {}

  async execute({ key }: GetServiceAccount): Promise<ListedServiceAccount | undefined> {
    const row = await this.db
      .selectFrom('service_account')
      .selectAll()
      .where('id', '=', key.serviceAccountId)
      .where('tenant_id', '=', key.tenantId)
      .executeTakeFirst();
    return row && listedServiceAccount(row);
  }
}

/** The tokens of a service account, those that don't work any more too. */
export class ListServiceAccountTokens extends Query<Page<ListedServiceAccountToken>> {
  constructor(
    readonly key: ServiceAccountKey,
    readonly page: PageQuery,
  ) {
    super();
  }
}

@QueryHandler(ListServiceAccountTokens)
export class ListServiceAccountTokensHandler implements IQueryHandler<ListServiceAccountTokens> {
  constructor(
    @Inject(KYSELY) private readonly db: Kysely<ServiceAccountTables>,
    @Inject(SIGNING_KEY) private readonly key: string,
  ) {}

  async execute({ key, page }: ListServiceAccountTokens): Promise<Page<ListedServiceAccountToken>> {
    const { tenantId, serviceAccountId } = key;
    const paging = new Paging(this.key, `service-account-tokens/${serviceAccountId}`, page);
    const after = paging.after;
    const rows = await this.tokensOf(tenantId, serviceAccountId)
      .$if(after !== undefined, (query) => query.where('t.id', '>', after![0] as string))
      .orderBy('t.id')
      .limit(paging.limit + 1)
      .execute();
    return paging.page(rows, listedToken, ({ id }) => [id]);
  }

  private tokensOf(tenantId: string, serviceAccountId: string) {
    return this.db
      .selectFrom('service_account_token as t')
      .leftJoin('credential_use as u', 'u.id', 't.id')
      .select(['t.id', 't.service_account_id', 't.name', 't.created_at', 't.created_by'])
      .select(['t.expires_at', 't.revoked_at', 't.revision', 'u.last_used_at'])
      .where('t.tenant_id', '=', tenantId)
      .where('t.service_account_id', '=', serviceAccountId);
  }
}

type TokenRow = Omit<ServiceAccountTokenTable, 'hmac' | 'tenant_id'> & { last_used_at: string | null };

function listedToken(row: TokenRow): ListedServiceAccountToken {
  const { id, service_account_id: serviceAccountId, name, created_by: createdBy, revision } = row;
  const times = { createdAt: row.created_at, expiresAt: row.expires_at, revokedAt: row.revoked_at };
  return { id, serviceAccountId, name, createdBy, ...times, lastUsedAt: row.last_used_at, revision };
}
