import { Inject } from '@nestjs/common';
import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import type { Kysely } from 'kysely';
import type { SpiceDb } from '../authorization/index.js';
import { Access, KYSELY, type Page, PageQuery, Paging, SIGNING_KEY, SPICEDB } from '../edge/index.js';
import type { TenantResource } from './tenant-streams.js';
import type { RequestableRole } from './tenant.decider.js';

interface TenantTable {
  id: string;
  name: string;
  root_workspace_id: string;
  requestable: RequestableRole[];
  created_at: string;
  updated_at: string;
  revision: number;
}
export interface TenantTables {
  tenant: TenantTable;
}
export type ListedTenant = TenantResource & { revision: number };

function listedTenant(row: TenantTable): ListedTenant {
  const { id, name, root_workspace_id: rootWorkspaceId, requestable: requestableRoles, revision } = row;
  return {
    id,
    name,
    rootWorkspaceId,
    requestableRoles,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    revision,
  };
}

/** The tenants the caller may view. */
export class ListTenants extends Query<Page<ListedTenant>> {
  constructor(
    /** `user:…` */
    readonly subject: string,
    readonly page: PageQuery & { name?: string },
  ) {
    super();
  }
}

@QueryHandler(ListTenants)
export class ListTenantsHandler implements IQueryHandler<ListTenants> {
  constructor(
    @Inject(KYSELY) private readonly db: Kysely<TenantTables>,
    @Inject(SPICEDB) private readonly spicedb: SpiceDb,
    @Inject(SIGNING_KEY) private readonly key: string,
    private readonly access: Access,
  ) {}

  async execute({ subject, page }: ListTenants): Promise<Page<ListedTenant>> {
    const visible = await this.spicedb.lookupResources('tenant', 'view', subject, this.access.freshAsKnown());
    const paging = new Paging(this.key, `tenants/${subject}`, page);
    const after = paging.after;
    const rows = await this.db
      .selectFrom('tenant')
      .selectAll()
      .where((eb) => eb('id', '=', eb.fn.any(eb.val(visible))))
      .$if(page.name !== undefined, (query) => query.where('name', '=', page.name!))
      .$if(after !== undefined, (query) => query.where('id', '>', after![0] as string))
      .orderBy('id')
      .limit(paging.limit + 1)
      .execute();
    return paging.page(rows, listedTenant, ({ id }) => [id]);
  }
}

/** One tenant; undefined where none has the id. */
export class GetTenant extends Query<ListedTenant | undefined> {
  constructor(readonly tenantId: string) {
    super();
  }
}

@QueryHandler(GetTenant)
export class GetTenantHandler implements IQueryHandler<GetTenant> {
  constructor(@Inject(KYSELY) private readonly db: Kysely<TenantTables>) {}

  async execute({ tenantId }: GetTenant): Promise<ListedTenant | undefined> {
    const row = await this.db.selectFrom('tenant').selectAll().where('id', '=', tenantId).executeTakeFirst();
    return row && listedTenant(row);
  }
}
