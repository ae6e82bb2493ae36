import { Inject } from '@nestjs/common';
import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import type { Kysely } from 'kysely';
import type { SpiceDb } from '../authorization/index.js';
import { Access, KYSELY, type Page, PageQuery, Paging, SIGNING_KEY, SPICEDB } from '../edge/index.js';
import type { WorkspaceResource } from './workspace-stream.js';

export interface WorkspaceTable {
  id: string;
  tenant_id: string;
  name: string;
  parent_id: string | null;
  created_at: string;
  updated_at: string;
  revision: number;
}
export interface WorkspaceTables {
  workspace: WorkspaceTable;
}
export type ListedWorkspace = WorkspaceResource & { revision: number };

function listedWorkspace(row: WorkspaceTable): ListedWorkspace {
  const { id, tenant_id: tenantId, name, parent_id: parentId, revision } = row;
  const times = { createdAt: row.created_at, updatedAt: row.updated_at };
  return { id, tenantId, name, parentId, isRoot: parentId === null, ...times, revision };
}

/** The workspaces of a tenant that the caller may view. */
export class ListWorkspaces extends Query<Page<ListedWorkspace>> {
  constructor(
    readonly tenantId: string,
    /** `user:…` */
    readonly subject: string,
    readonly page: PageQuery & { parentId?: string },
  ) {
    super();
  }
}

@QueryHandler(ListWorkspaces)
export class ListWorkspacesHandler implements IQueryHandler<ListWorkspaces> {
  constructor(
    @Inject(KYSELY) private readonly db: Kysely<WorkspaceTables>,
    @Inject(SPICEDB) private readonly spicedb: SpiceDb,
    @Inject(SIGNING_KEY) private readonly key: string,
    private readonly access: Access,
  ) {}

  async execute({ tenantId, subject, page }: ListWorkspaces): Promise<Page<ListedWorkspace>> {
    const visible = await this.spicedb.lookupResources('workspace', 'view', subject, this.access.freshAsKnown());
    const paging = new Paging(this.key, `workspaces/${tenantId}/${subject}`, page);
    const after = paging.after;
    const rows = await this.db
      .selectFrom('workspace')
      .selectAll()
      .where('tenant_id', '=', tenantId)
      .where((eb) => eb('id', '=', eb.fn.any(eb.val(visible))))
      .$if(page.parentId !== undefined, (query) => query.where('parent_id', '=', page.parentId!))
      .$if(after !== undefined, (query) => query.where('id', '>', after![0] as string))
      .orderBy('id')
      .limit(paging.limit + 1)
      .execute();
    return paging.page(rows, listedWorkspace, ({ id }) => [id]);
  }
}

/** One workspace; undefined where the tenant has none with the id. */
export class GetWorkspace extends Query<ListedWorkspace | undefined> {
  constructor(
    readonly tenantId: string,
    readonly workspaceId: string,
  ) {
    super();
  }
}

@QueryHandler(GetWorkspace)
export class GetWorkspaceHandler implements IQueryHandler<GetWorkspace> {
  constructor(@Inject(KYSELY) private readonly db: Kysely<WorkspaceTables>) {}

  async execute({ tenantId, workspaceId }: GetWorkspace): Promise<ListedWorkspace | undefined> {
    const row = await this.db
      .selectFrom('workspace')
      .selectAll()
      .where('tenant_id', '=', tenantId)
      .where('id', '=', workspaceId)
      .executeTakeFirst();
    return row && listedWorkspace(row);
  }
}
