import { Body, Controller, Delete, Get, HttpCode, Patch, Post, Query as QueryString } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiOperation, ApiProperty, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import {
  Access,
  type Answer,
  AnswersPageOf,
  AnswersWith,
  type Call,
  Caller,
  CommandEdge,
  HonoursIfMatch,
  HttpCall,
  type Page,
  PageQuery,
  type Principal,
  Problems,
  Requires,
  subjectOf,
  WORKSPACE,
} from '../edge/index.js';
import { IsName, IsUlid, Omittable, Refused, UlidParam } from '../platform/index.js';
import { ChangeWorkspace } from './change-workspace.js';
import { CreateWorkspace } from './create-workspace.js';
import { DeleteWorkspace } from './delete-workspace.js';
import { GetWorkspace, type ListedWorkspace, ListWorkspaces } from './list-workspaces.js';
import type { WorkspaceResource } from './workspace-stream.js';
import { WorkspaceDocument } from './workspaces.documents.js';

const NAME_LENGTH = 512;

class CreateWorkspaceBody {
  @IsName(NAME_LENGTH)
  name!: string;

  @ApiProperty({ description: 'the workspace to create it below' })
  @IsUlid()
  parentId!: string;
}

class ChangeWorkspaceBody {
  @Omittable()
  @IsName(NAME_LENGTH)
  name?: string;

  @ApiPropertyOptional({ description: 'the workspace to move it below' })
  @Omittable()
  @IsUlid()
  parentId?: string;
}

class ListWorkspacesQuery extends PageQuery {
  @ApiPropertyOptional({ description: 'only those directly below this workspace' })
  @Omittable()
  @IsUlid()
  parentId?: string;
}

@ApiTags('workspaces')
@Controller('v1/tenants/:tenantId/workspaces')
export class WorkspacesController {
  constructor(
    private readonly edge: CommandEdge,
    private readonly queries: QueryBus,
    private readonly access: Access,
  ) {}

  @Post()
  @ApiOperation({
    summary: 'Create a workspace',
    description:
      'Below another one. The caller becomes its admin. No two workspaces below the same parent have the same name.',
  })
  @AnswersWith(WorkspaceDocument)
  @Problems('parent-not-found', 'workspace-name-taken')
  async create(
    @HttpCall() call: Call,
    @Caller() caller: Principal,
    @UlidParam('tenantId') tenantId: string,
    @Body() { name, parentId }: CreateWorkspaceBody,
  ): Promise<Answer<WorkspaceResource>> {
    await this.edge.permit(call.request, () => this.mayCreateBelow(caller, parentId));
    const creator = { creatorId: caller.id, creatorType: caller.type };
    return this.edge.run(call, (context, mint) => {
      return new CreateWorkspace(context, { workspaceId: mint('workspace'), tenantId, name, parentId, ...creator });
    });
  }

  @Get()
  @ApiOperation({ summary: 'List the workspaces that I may see' })
  @AnswersPageOf(WorkspaceDocument)
  async list(
    @Caller() caller: Principal,
    @UlidParam('tenantId') tenantId: string,
    @QueryString() query: ListWorkspacesQuery,
  ): Promise<Page<ListedWorkspace>> {
    return this.queries.execute(new ListWorkspaces(tenantId, subjectOf(caller), query));
  }

  @Get(':workspaceId')
  @ApiOperation({ summary: 'Read a workspace' })
  @Requires({ permission: 'view', on: WORKSPACE })
  @AnswersWith(WorkspaceDocument)
  async get(
    @UlidParam('tenantId') tenantId: string,
    @UlidParam('workspaceId') workspaceId: string,
  ): Promise<ListedWorkspace> {
    const workspace = await this.queries.execute(new GetWorkspace(tenantId, workspaceId));
    if (!workspace) throw new Refused('not-found');
    return workspace;
  }

  @Patch(':workspaceId')
  @ApiOperation({
    summary: 'Rename or move a workspace',
    description: 'A workspace is moved with all that is below it, never below itself.',
  })
  @Requires({ permission: 'change', on: WORKSPACE, seenWith: 'view' })
  @HonoursIfMatch()
  @AnswersWith(WorkspaceDocument)
  @Problems('parent-not-found', 'workspace-name-taken', 'root-workspace', 'workspace-cycle')
  async change(
    @HttpCall() call: Call,
    @Caller() caller: Principal,
    @UlidParam('tenantId') tenantId: string,
    @UlidParam('workspaceId') workspaceId: string,
    @Body() body: ChangeWorkspaceBody,
  ): Promise<Answer<WorkspaceResource>> {
    const { name, parentId } = body;
    if (name === undefined && parentId === undefined) throw new Refused('invalid', 'name or parentId is needed');
    if (parentId !== undefined) await this.edge.permit(call.request, () => this.mayCreateBelow(caller, parentId));
    const input = { workspaceId, tenantId, name, parentId, ifRevision: call.ifRevision };
    return this.edge.run(call, (context) => new ChangeWorkspace(context, input));
  }

  @Delete(':workspaceId')
  @ApiOperation({ summary: 'Delete a workspace', description: 'One that has no others below it, and is not the root.' })
  @HttpCode(204)
  @Requires({ permission: 'remove', on: WORKSPACE, seenWith: 'view', fresh: true })
  @HonoursIfMatch()
  @Problems('root-workspace', 'workspace-has-children')
  async delete(
    @HttpCall() call: Call,
    @UlidParam('tenantId') tenantId: string,
    @UlidParam('workspaceId') workspaceId: string,
  ): Promise<void> {
    const input = { workspaceId, tenantId, ifRevision: call.ifRevision };
    return this.edge.runQuietly(call, (context) => new DeleteWorkspace(context, input));
  }

  /** Who may not create below a workspace is not told whether it exists. */
  private async mayCreateBelow(caller: Principal, parentId: string): Promise<void> {
    const resource = `workspace:${parentId}`;
    await this.access.require({ subject: subjectOf(caller), resource, permission: 'create_child' });
  }
}
