import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query as QueryString } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
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
  type Principal,
  Problems,
  Requires,
  subjectOf,
  TENANT,
} from '../edge/index.js';
import { DeciderRuntime } from '../event-store/index.js';
import { normaliseUlid, Refused, UlidParam } from '../platform/index.js';
import { ChangeRole } from './change-role.js';
import { CreateRole } from './create-role.js';
import { DeleteRole } from './delete-role.js';
import { GetRole, ListRoles } from './list-roles.js';
import { ChangeRoleBody, CreateRoleBody, ListRolesQuery } from './role-bodies.js';
import { builtInRole, type ListedRole, type RoleResource } from './role-resource.js';
import { RoleRights } from './role-rights.js';
import { requireRole } from './role-streams.js';
import type { RoleContent } from './role.decider.js';
import { ROLE_ID, RoleDocument } from './roles.documents.js';
import { readWritten } from './written-permissions.js';

const ROLE_PARAM = {
  name: 'roleId',
  description: 'a built-in role, or the id of one of the tenant',
  schema: { type: 'string', pattern: ROLE_ID.pattern },
};

/** @throws Refused `malformed-id` */
export function roleIdOf(text: string): string {
  const id = builtInRole(text) ? text : normaliseUlid(text);
  if (id === undefined) throw new Refused('malformed-id', 'roleId is no id of a role', { field: 'roleId' });
  return id;
}

@ApiTags('roles')
@Controller('v1/tenants/:tenantId/roles')
export class RolesController {
  constructor(
    private readonly edge: CommandEdge,
    private readonly queries: QueryBus,
    private readonly runtime: DeciderRuntime,
    private readonly rights: RoleRights,
    private readonly access: Access,
  ) {}

  @Get()
  @ApiOperation({
    summary: 'List roles',
    description:
      'The built-in roles first, then those of the tenant. What may be requested, every member of the tenant may list.',
  })
  @AnswersPageOf(RoleDocument)
  @Problems('forbidden')
  async list(
    @Caller() caller: Principal,
    @UlidParam('tenantId') tenantId: string,
    @QueryString() query: ListRolesQuery,
  ): Promise<Page<ListedRole>> {
    const permission = query.requestable ? 'view' : 'roles_read';
    const resource = `tenant:${tenantId}`;
    await this.access.require({ subject: subjectOf(caller), resource, permission, seenWith: 'view' });
    return this.queries.execute(new ListRoles(tenantId, query));
  }

  @Post()
  @ApiOperation({
    summary: 'Define a role',
    description: 'Nobody creates a role with permissions that they don’t hold on the tenant themselves.',
  })
  @Requires({ permission: 'roles_create', on: TENANT, seenWith: 'view', fresh: true })
  @AnswersWith(RoleDocument)
  @Problems('role-name-taken', 'permissions-missing')
  async create(
    @HttpCall() call: Call,
    @Caller() caller: Principal,
    @UlidParam('tenantId') tenantId: string,
    @Body() body: CreateRoleBody,
  ): Promise<Answer<RoleResource>> {
    const { name, description, requestable = false } = body;
    const { permissions, spelledAs } = readWritten(body.permissions);
    await this.edge.permit(call.request, () => this.requireHeld(caller, tenantId, permissions));
    const content = { name, description: description || null, requestable, permissions, spelledAs };
    return this.edge.run(call, (context, mint) => {
      return new CreateRole(context, { roleId: mint('role'), tenantId, ...content });
    });
  }

  @Get(':roleId')
  @ApiOperation({ summary: 'Read a role', description: 'A built-in one by its name.' })
  @Requires({ permission: 'roles_read', on: TENANT, seenWith: 'view' })
  @ApiParam(ROLE_PARAM)
  @AnswersWith(RoleDocument)
  async get(@UlidParam('tenantId') tenantId: string, @Param('roleId') roleId: string): Promise<ListedRole> {
    const role = await this.queries.execute(new GetRole(tenantId, roleIdOf(roleId)));
    if (!role) throw new Refused('not-found');
    return role;
  }

  @Patch(':roleId')
  @ApiOperation({
    summary: 'Change a role',
    description:
      'Whoever changes a role holds all that it allows before and after. The change counts for everybody who holds it.',
  })
  @Requires({ permission: 'roles_update', on: TENANT, seenWith: 'view', fresh: true })
  @HonoursIfMatch()
  @ApiParam(ROLE_PARAM)
  @AnswersWith(RoleDocument)
  @Problems('conflict', 'role-name-taken', 'role-changed-meanwhile', 'permissions-missing', 'built-in-role')
  async change(
    @HttpCall() call: Call,
    @Caller() caller: Principal,
    @UlidParam('tenantId') tenantId: string,
    @Param('roleId') id: string,
    @Body() body: ChangeRoleBody,
  ): Promise<Answer<RoleResource>> {
    const roleId = ownRoleIdOf(id);
    const change = changeOf(body);
    let judgedRevision: number | undefined;
    await this.edge.permit(call.request, async () => {
      const { permissions, revision } = await requireRole(this.runtime, { tenantId, roleId });
      judgedRevision = revision;
      await this.requireHeld(caller, tenantId, [...new Set([...permissions, ...(change.permissions ?? [])])].sort());
    });
    const input = { tenantId, roleId, change, ifRevision: call.ifRevision, judgedRevision };
    return this.edge.run(call, (context) => new ChangeRole(context, input));
  }

  @Delete(':roleId')
  @ApiOperation({
    summary: 'Delete a role',
    description: 'Only a role that nobody holds; open requests for it are closed.',
  })
  @HttpCode(204)
  @Requires({ permission: 'roles_delete', on: TENANT, seenWith: 'view', fresh: true })
  @HonoursIfMatch()
  @ApiParam(ROLE_PARAM)
  @Problems('role-in-use', 'built-in-role', 'conflict')
  delete(@HttpCall() call: Call, @UlidParam('tenantId') tenantId: string, @Param('roleId') id: string): Promise<void> {
    const input = { tenantId, roleId: ownRoleIdOf(id), ifRevision: call.ifRevision };
    return this.edge.runQuietly(call, (context) => new DeleteRole(context, input));
  }

  private requireHeld(caller: Principal, tenantId: string, permissions: readonly string[]): Promise<void> {
    return this.rights.requireHeld(subjectOf(caller), `tenant:${tenantId}`, permissions);
  }
}

/** @throws Refused `built-in-role`, `malformed-id` */
function ownRoleIdOf(text: string): string {
  const id = roleIdOf(text);
  if (builtInRole(id)) throw new Refused('built-in-role');
  return id;
}

/** @throws Refused `invalid` where nothing is given */
function changeOf({ name, description, requestable, permissions }: ChangeRoleBody): Partial<RoleContent> {
  const change: Partial<RoleContent> = {
    ...(name !== undefined && { name }),
    ...(description !== undefined && { description: description || null }),
    ...(requestable !== undefined && { requestable }),
    ...(permissions && readWritten(permissions)),
  };
  if (Object.keys(change).length > 0) return change;
  throw new Refused('invalid', 'name, description, requestable or permissions is needed');
}
