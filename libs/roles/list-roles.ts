import { Inject } from '@nestjs/common';
import { type IQueryHandler, Query, QueryBus, QueryHandler } from '@nestjs/cqrs';
import type { Kysely } from 'kysely';
import { KYSELY, type Page, PageQuery, Paging, SIGNING_KEY } from '../edge/index.js';
import { GetTenant } from '../tenants/index.js';
import { builtInRole, builtInRoles, type ListedRole, roleResource } from './role-resource.js';

interface RoleTable {
  id: string;
  tenant_id: string;
  name: string;
  description: string | null;
  requestable: boolean;
  permissions: string[];
  spelled_as: Record<string, string>;
  created_at: string;
  updated_at: string;
  revision: number;
}
export interface RoleTables {
  role: RoleTable;
}

function listedRole(row: RoleTable): ListedRole {
  const { created_at: createdAt, updated_at: updatedAt, spelled_as: spelledAs, revision, ...role } = row;
  return { ...roleResource({ ...role, createdAt, updatedAt, spelledAs }), revision };
}

/** The roles of a tenant: first the built-in ones, then its own in the order in which they were created. */
export class ListRoles extends Query<Page<ListedRole>> {
  constructor(
    readonly tenantId: string,
    readonly page: PageQuery & { requestable?: boolean },
  ) {
    super();
  }
}

@QueryHandler(ListRoles)
export class ListRolesHandler implements IQueryHandler<ListRoles> {
  constructor(
    @Inject(KYSELY) private readonly db: Kysely<RoleTables>,
    @Inject(SIGNING_KEY) private readonly key: string,
    private readonly queries: QueryBus,
  ) {}

  async execute({ tenantId, page }: ListRoles): Promise<Page<ListedRole>> {
    const paging = new Paging(this.key, `roles/${tenantId}`, page);
    const after = paging.after?.[0] as string | undefined;
    const builtIn = (await builtInsOf(this.queries, tenantId)).filter(
      ({ id, requestable }) => isAfter(id, after) && (page.requestable ?? requestable) === requestable,
    );
    const rows = await this.db
      .selectFrom('role')
      .selectAll()
      .where('tenant_id', '=', tenantId)
      .$if(page.requestable !== undefined, (query) => query.where('requestable', '=', page.requestable!))
      .$if(after !== undefined && !builtInRole(after), (query) => query.where('id', '>', after!))
      .orderBy('id')
      .limit(paging.limit + 1)
      .execute();
    const roles = [...builtIn, ...rows.map(listedRole)];
    return paging.page(
      roles,
      (role) => role,
      ({ id }) => [id],
    );
  }
}

/** Whether a built-in role comes after where the page before ended. */
function isAfter(name: string, after: string | undefined): boolean {
  return after === undefined || (builtInRole(after) !== undefined && name > after);
}

async function builtInsOf(queries: QueryBus, tenantId: string): Promise<ListedRole[]> {
  const tenant = await queries.execute(new GetTenant(tenantId));
  return builtInRoles(tenant?.requestableRoles ?? []);
}

/** One role; undefined where the tenant has none with the id. */
export class GetRole extends Query<ListedRole | undefined> {
  constructor(
    readonly tenantId: string,
    readonly roleId: string,
  ) {
    super();
  }
}

@QueryHandler(GetRole)
export class GetRoleHandler implements IQueryHandler<GetRole> {
  constructor(
    @Inject(KYSELY) private readonly db: Kysely<RoleTables>,
    private readonly queries: QueryBus,
  ) {}

  async execute({ tenantId, roleId }: GetRole): Promise<ListedRole | undefined> {
    if (builtInRole(roleId)) {
      return (await builtInsOf(this.queries, tenantId)).find(({ id }) => id === roleId);
    }
    const row = await this.db
      .selectFrom('role')
      .selectAll()
      .where('tenant_id', '=', tenantId)
      .where('id', '=', roleId)
      .executeTakeFirst();
    return row && listedRole(row);
  }
}
