import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Inject,
  Patch,
  Post,
  Put,
  Query as QueryString,
} from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiOperation, ApiProperty, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { ArrayMaxSize, IsArray, IsIn } from 'class-validator';
import {
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
  TENANT,
} from '../edge/index.js';
import { IsName, Omittable, Refused, UlidParam } from '../platform/index.js';
import { RenameTenant, SetRequestableRoles } from './change-tenant.js';
import { CreateTenant } from './create-tenant.js';
import { DeleteTenant } from './delete-tenant.js';
import { GetTenant, type ListedTenant, ListTenants } from './list-tenants.js';
import type { TenantResource } from './tenant-streams.js';
import { BUILT_IN_ROLES, RequestableRolesDocument, TenantDocument } from './tenants.documents.js';
import type { RequestableRole } from './tenant.decider.js';

const NAME_LENGTH = 255;

/** The configured name of root workspaces, where there is one. */
export const ROOT_WORKSPACE_NAME = Symbol('RootWorkspaceName');

class TenantBody {
  @IsName(NAME_LENGTH)
  name!: string;
}

class RequestableRolesBody {
  @ApiProperty({ enum: BUILT_IN_ROLES, isArray: true, maxItems: BUILT_IN_ROLES.length })
  @IsArray()
  @ArrayMaxSize(BUILT_IN_ROLES.length)
  @IsIn(BUILT_IN_ROLES, { each: true })
  items!: RequestableRole[];
}

class ListTenantsQuery extends PageQuery {
  @ApiPropertyOptional({ description: 'only the one with exactly this name' })
  @Omittable()
  @IsName(NAME_LENGTH)
  name?: string;
}

@ApiTags('tenants')
@Controller('v1/tenants')
export class TenantsController {
  constructor(
    private readonly edge: CommandEdge,
    private readonly queries: QueryBus,
    @Inject(ROOT_WORKSPACE_NAME) private readonly rootWorkspaceName: string | undefined,
  ) {}

  @Post()
  @ApiOperation({
    summary: 'Create a tenant',
    description: 'With its root workspace. The caller, who must be a user, becomes its admin.',
  })
  @AnswersWith(TenantDocument)
  @Problems('forbidden', 'tenant-name-taken')
  create(
    @HttpCall() call: Call,
    @Caller() caller: Principal,
    @Body() { name }: TenantBody,
  ): Promise<Answer<TenantResource>> {
    if (caller.type !== 'user') throw new Refused('forbidden', 'only users create tenants');
    const rootWorkspaceName = this.rootWorkspaceName ?? name;
    return this.edge.run(call, (context, mint) => {
      const ids = { tenantId: mint('tenant'), rootWorkspaceId: mint('root-workspace') };
      return new CreateTenant(context, { ...ids, name, rootWorkspaceName, creatorId: caller.id });
    });
  }

  @Get()
  @ApiOperation({ summary: 'List the tenants that I may see' })
  @AnswersPageOf(TenantDocument)
  list(@Caller() caller: Principal, @QueryString() query: ListTenantsQuery): Promise<Page<ListedTenant>> {
    return this.queries.execute(new ListTenants(subjectOf(caller), query));
  }

  @Get(':tenantId')
  @ApiOperation({ summary: 'Read a tenant' })
  @Requires({ permission: 'view', on: TENANT })
  @AnswersWith(TenantDocument)
  async get(@UlidParam('tenantId') tenantId: string): Promise<ListedTenant> {
    const tenant = await this.queries.execute(new GetTenant(tenantId));
    if (!tenant) throw new Refused('not-found');
    return tenant;
  }

  @Patch(':tenantId')
  @ApiOperation({ summary: 'Rename a tenant', description: 'No two tenants have the same name, whatever its case.' })
  @Requires({ permission: 'manage', on: TENANT, seenWith: 'view' })
  @HonoursIfMatch()
  @AnswersWith(TenantDocument)
  @Problems('conflict', 'tenant-name-taken')
  rename(
    @HttpCall() call: Call,
    @UlidParam('tenantId') tenantId: string,
    @Body() { name }: TenantBody,
  ): Promise<Answer<TenantResource>> {
    const input = { tenantId, name, ifRevision: call.ifRevision };
    return this.edge.run(call, (context) => new RenameTenant(context, input));
  }

  @Delete(':tenantId')
  @ApiOperation({ summary: 'Delete a tenant', description: 'With everything in it, for good.' })
  @HttpCode(204)
  @Requires({ permission: 'manage', on: TENANT, seenWith: 'view', fresh: true })
  @HonoursIfMatch()
  delete(@HttpCall() call: Call, @UlidParam('tenantId') tenantId: string): Promise<void> {
    const input = { tenantId, ifRevision: call.ifRevision };
    return this.edge.runQuietly(call, (context) => new DeleteTenant(context, input));
  }

  @Get(':tenantId/requestable-roles')
  @ApiOperation({
    summary: 'Read which built-in roles may be requested',
    description: 'Roles that the tenant defined itself say it each: `requestable` of the role.',
  })
  @Requires({ permission: 'view', on: TENANT })
  @AnswersWith(RequestableRolesDocument)
  async requestableRoles(@UlidParam('tenantId') tenantId: string): Promise<RequestableRolesDocument> {
    const { requestableRoles: items, revision } = await this.get(tenantId);
    return { items, nextCursor: null, revision };
  }

  @Put(':tenantId/requestable-roles')
  @ApiOperation({
    summary: 'Set which built-in roles may be requested',
    description: 'The list takes the place of the present one.',
  })
  @Requires({ permission: 'manage', on: TENANT, seenWith: 'view', fresh: true })
  @HonoursIfMatch()
  @AnswersWith(TenantDocument)
  setRequestableRoles(
    @HttpCall() call: Call,
    @UlidParam('tenantId') tenantId: string,
    @Body() { items }: RequestableRolesBody,
  ): Promise<Answer<TenantResource>> {
    const input = { tenantId, roles: items, ifRevision: call.ifRevision };
    return this.edge.run(call, (context) => new SetRequestableRoles(context, input));
  }
}
