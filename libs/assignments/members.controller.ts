import {
  applyDecorators,
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Patch,
  Post,
  Query as QueryString,
} from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiBody, ApiExtraModels, ApiOperation, ApiProperty, ApiTags, getSchemaPath } from '@nestjs/swagger';
import { ValidateIf } from 'class-validator';
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
  SubjectBody,
  TENANT,
  WORKSPACE,
} from '../edge/index.js';
import { IsIsoInstant, IsNested, IsUlid, Nullable, Omittable, Refused, UlidParam } from '../platform/index.js';
import { DeciderRuntime } from '../event-store/index.js';
import { IsRoleReference } from '../roles/index.js';
import { isBuiltIn, rolesOf, type Subject, type Target } from './assignment.decider.js';
import { isOwnMembership, OF_OWN_ROLES, RoleGiving, roleInFilter } from './role-giving.js';
import { ListedMemberDocument, MemberDocument, ReadMemberDocument } from './assignments.documents.js';
import { memberNamed } from './assignment-streams.js';
import { EndRole } from './end-role.js';
import { GrantRole } from './grant-role.js';
import { GetMember, type ListedMember, ListMembers, type ReadMember } from './list-members.js';
import type { MemberResource } from './member-resource.js';
import { RemoveServiceAccount, RemoveTenantMember } from './remove-member.js';

class RoleBody {
  @IsRoleReference()
  role!: string;

  @Nullable()
  @IsIsoInstant()
  until?: string | null;
}

class AddUserBody extends RoleBody {
  @IsUlid()
  userId!: string;
}

class AddSubjectBody extends RoleBody {
  @IsNested(() => SubjectBody)
  subject!: SubjectBody;
}

/** One of the two above. */
class AddMemberBody extends RoleBody {
  @ValidateIf(({ subject, userId }: AddMemberBody) => subject === undefined || userId !== undefined)
  @IsUlid()
  userId?: string;

  @Omittable()
  @IsNested(() => SubjectBody)
  subject?: SubjectBody;
}

/** Documents a body that names the member in one of two ways. */
function NamesMember(): MethodDecorator {
  const bodies = [AddUserBody, AddSubjectBody];
  const schema = { anyOf: bodies.map((body) => ({ $ref: getSchemaPath(body) })) };
  return applyDecorators(ApiExtraModels(...bodies), ApiBody({ schema, required: true }));
}

class ListMembersQuery extends PageQuery {
  @Omittable()
  @IsRoleReference()
  @ApiProperty({ description: 'only those who hold the role' })
  role?: string;
}

interface Given {
  subject: Subject;
  /** How the call names the subject. */
  subjectField?: string;
  role: string;
  until?: string | null;
}

/** Sends the commands that both kinds of members have in common. */
abstract class Members {
  constructor(
    protected readonly edge: CommandEdge,
    protected readonly queries: QueryBus,
    protected readonly runtime: DeciderRuntime,
    protected readonly giving: RoleGiving,
  ) {}

  protected async give(
    call: Call,
    caller: Principal,
    tenantId: string,
    target: Target,
    given: Given,
    change: 'create' | 'update' = 'create',
  ): Promise<Answer<MemberResource>> {
    const { subject, subjectField, role, until = null } = given;
    const { ifRevision } = call;
    const asked = { tenantId, role, target };
    const { mayChange, ...named } = await this.giving.toGive(call.request, caller, asked, change);
    const isOwn = isOwnMembership(caller, subject, target);
    const mustHold = change === 'update';
    const giver = { kind: 'caller', mayChange, mustHold, isOwn, ifRevision, subjectField } as const;
    const input = { tenantId, subject, target, ...named, source: 'direct', until, giver };
    return this.edge.run(call, (context) => new GrantRole(context, input));
  }

  protected async given(memberId: string, body: RoleBody): Promise<Given> {
    return { ...body, subject: await memberNamed(this.runtime, memberId) };
  }

  protected async members(tenantId: string, target: Target, query: ListMembersQuery): Promise<Page<ListedMember>> {
    if (query.role !== undefined) requireOfQuery(target.type, query.role);
    const role = await roleInFilter(this.runtime, tenantId, query.role);
    return this.queries.execute(new ListMembers(tenantId, target, { ...query, role }));
  }

  protected async member(tenantId: string, target: Target, memberId: string): Promise<ReadMember> {
    const found = await this.queries.execute(new GetMember(tenantId, target, memberId));
    if (!found) throw new Refused('not-found');
    return found;
  }
}

/** @throws Refused `invalid` where the member is named twice */
function added({ userId, subject, ...body }: AddMemberBody): Given {
  if (userId === undefined)
    return { ...body, subject: { type: subject!.type, id: subject!.id }, subjectField: 'subject.id' };
  if (subject) throw new Refused('invalid', 'subject does not go with userId', { field: 'subject' });
  return { ...body, subject: { type: 'user', id: userId }, subjectField: 'userId' };
}

function requireOfQuery(targetType: Target['type'], role: string): void {
  if (!isBuiltIn(role) || rolesOf(targetType).includes(role)) return;
  throw new Refused('malformed-query', `a ${targetType} has no role ${role}`, { field: 'role' });
}

@ApiTags('members')
@Controller('v1/tenants/:tenantId/members')
export class TenantMembersController extends Members {
  constructor(edge: CommandEdge, queries: QueryBus, runtime: DeciderRuntime, giving: RoleGiving) {
    super(edge, queries, runtime, giving);
  }

  @Get()
  @ApiOperation({
    summary: 'List the members of a tenant',
    description: 'Each with the roles they hold on the tenant itself.',
  })
  @Requires({ permission: 'members_read', on: TENANT, seenWith: 'view' })
  @AnswersPageOf(ListedMemberDocument)
  list(@UlidParam('tenantId') tenantId: string, @QueryString() query: ListMembersQuery): Promise<Page<ListedMember>> {
    return this.members(tenantId, { type: 'tenant', id: tenantId }, query);
  }

  @Get(':memberId')
  @ApiOperation({ summary: 'Read a member of a tenant', description: 'With the roles that they hold on it now.' })
  @Requires({ permission: 'members_read', on: TENANT, seenWith: 'view' })
  @AnswersWith(ReadMemberDocument)
  get(@UlidParam('tenantId') tenantId: string, @UlidParam('memberId') memberId: string): Promise<ReadMember> {
    return this.member(tenantId, { type: 'tenant', id: tenantId }, memberId);
  }

  @Post()
  @ApiOperation({
    summary: 'Add a member to a tenant',
    description:
      'By `userId`, or by `subject` for a service account. A built-in role takes the place of the one they have.',
  })
  @NamesMember()
  @HonoursIfMatch()
  @Requires({ permission: 'members_create', on: TENANT, seenWith: 'view', fresh: true })
  @AnswersWith(MemberDocument)
  @Problems(
    ...['subject-not-found', 'until-passed', 'last-admin', 'own-membership', 'role-not-for-service-accounts'],
    ...OF_OWN_ROLES,
  )
  add(
    @HttpCall() call: Call,
    @Caller() caller: Principal,
    @UlidParam('tenantId') tenantId: string,
    @Body() body: AddMemberBody,
  ): Promise<Answer<MemberResource>> {
    return this.give(call, caller, tenantId, { type: 'tenant', id: tenantId }, added(body));
  }

  @Patch(':memberId')
  @ApiOperation({
    summary: 'Change the role of a member',
    description: 'Not one’s own. A built-in role takes the place of the one they have.',
  })
  @HonoursIfMatch()
  @Requires({ permission: 'members_update', on: TENANT, seenWith: 'view', fresh: true })
  @AnswersWith(MemberDocument)
  @Problems(
    ...['subject-not-found', 'until-passed', 'last-admin', 'own-membership', 'role-not-for-service-accounts'],
    ...OF_OWN_ROLES,
  )
  async change(
    @HttpCall() call: Call,
    @Caller() caller: Principal,
    @UlidParam('tenantId') tenantId: string,
    @UlidParam('memberId') memberId: string,
    @Body() body: RoleBody,
  ): Promise<Answer<MemberResource>> {
    return this.give(
      call,
      caller,
      tenantId,
      { type: 'tenant', id: tenantId },
      await this.given(memberId, body),
      'update',
    );
  }

  @Delete(':memberId')
  @ApiOperation({
    summary: 'Remove a member from a tenant',
    description:
      'Ends what they hold in the tenant and its workspaces. For others: who wants to leave gives up their own assignments.',
  })
  @HttpCode(204)
  @HonoursIfMatch()
  @Requires({ permission: 'members_delete', on: TENANT, seenWith: 'view', fresh: true })
  @Problems('last-admin', 'own-membership')
  async remove(
    @HttpCall() call: Call,
    @Caller() caller: Principal,
    @UlidParam('tenantId') tenantId: string,
    @UlidParam('memberId') memberId: string,
  ): Promise<void> {
    const sparesAdmins = await this.giving.sparesAdmins(caller, { type: 'tenant', id: tenantId });
    const { type, id } = await memberNamed(this.runtime, memberId);
    const isOwn = isOwnMembership(caller, { type, id }, { type: 'tenant', id: tenantId });
    if (isOwn && type === 'service_account') throw new Refused('own-membership');
    const { ifRevision } = call;
    return this.edge.runQuietly(call, (context) => {
      if (type === 'service_account')
        return new RemoveServiceAccount(context, { tenantId, serviceAccountId: id, ifRevision });
      const input = { tenantId, userId: id, reason: 'member-removed' as const, sparesAdmins, ifRevision, isOwn };
      return new RemoveTenantMember(context, input);
    });
  }
}

@ApiTags('members')
@Controller('v1/tenants/:tenantId/workspaces/:workspaceId/members')
export class WorkspaceMembersController extends Members {
  constructor(edge: CommandEdge, queries: QueryBus, runtime: DeciderRuntime, giving: RoleGiving) {
    super(edge, queries, runtime, giving);
  }

  @Get()
  @ApiOperation({
    summary: 'List the members of a workspace',
    description: 'Those who hold a role on the workspace itself, each with their roles.',
  })
  @Requires({ permission: 'read_members', on: WORKSPACE })
  @AnswersPageOf(ListedMemberDocument)
  list(
    @UlidParam('tenantId') tenantId: string,
    @UlidParam('workspaceId') workspaceId: string,
    @QueryString() query: ListMembersQuery,
  ): Promise<Page<ListedMember>> {
    return this.members(tenantId, { type: 'workspace', id: workspaceId }, query);
  }

  @Get(':memberId')
  @ApiOperation({ summary: 'Read a member of a workspace', description: 'With the roles that they hold on it now.' })
  @Requires({ permission: 'read_members', on: WORKSPACE })
  @AnswersWith(ReadMemberDocument)
  get(
    @UlidParam('tenantId') tenantId: string,
    @UlidParam('workspaceId') workspaceId: string,
    @UlidParam('memberId') memberId: string,
  ): Promise<ReadMember> {
    return this.member(tenantId, { type: 'workspace', id: workspaceId }, memberId);
  }

  @Post()
  @ApiOperation({
    summary: 'Add a member to a workspace',
    description: 'By `userId`, or by `subject` for a service account. They need not be members of the tenant.',
  })
  @NamesMember()
  @HonoursIfMatch()
  @Requires({ permission: 'add_members', on: WORKSPACE, seenWith: 'view', fresh: true })
  @AnswersWith(MemberDocument)
  @Problems('subject-not-found', 'until-passed', ...OF_OWN_ROLES)
  add(
    @HttpCall() call: Call,
    @Caller() caller: Principal,
    @UlidParam('tenantId') tenantId: string,
    @UlidParam('workspaceId') workspaceId: string,
    @Body() body: AddMemberBody,
  ): Promise<Answer<MemberResource>> {
    return this.give(call, caller, tenantId, { type: 'workspace', id: workspaceId }, added(body));
  }

  @Patch(':memberId')
  @ApiOperation({
    summary: 'Change the role of a workspace member',
    description: 'A built-in role takes the place of the one they have.',
  })
  @HonoursIfMatch()
  @Requires({ permission: 'change_members', on: WORKSPACE, seenWith: 'view', fresh: true })
  @AnswersWith(MemberDocument)
  @Problems('subject-not-found', 'until-passed', ...OF_OWN_ROLES)
  async change(
    @HttpCall() call: Call,
    @Caller() caller: Principal,
    @UlidParam('tenantId') tenantId: string,
    @UlidParam('workspaceId') workspaceId: string,
    @UlidParam('memberId') memberId: string,
    @Body() body: RoleBody,
  ): Promise<Answer<MemberResource>> {
    return this.give(
      call,
      caller,
      tenantId,
      { type: 'workspace', id: workspaceId },
      await this.given(memberId, body),
      'update',
    );
  }

  @Delete(':memberId')
  @ApiOperation({
    summary: 'Remove a member from a workspace',
    description: 'Ends what they hold on the workspace, whatever it is from.',
  })
  @HttpCode(204)
  @HonoursIfMatch()
  @Requires({ permission: 'remove_members', on: WORKSPACE, seenWith: 'view', fresh: true })
  async remove(
    @HttpCall() call: Call,
    @Caller() caller: Principal,
    @UlidParam('tenantId') tenantId: string,
    @UlidParam('workspaceId') workspaceId: string,
    @UlidParam('memberId') memberId: string,
  ): Promise<void> {
    const target = { type: 'workspace' as const, id: workspaceId };
    const key = { subject: await memberNamed(this.runtime, memberId), target };
    const rules = { mustHold: true, sparesAdmins: await this.giving.sparesAdmins(caller, target) };
    const input = { tenantId, ...key, reason: 'removed' as const, ...rules, ifRevision: call.ifRevision };
    return this.edge.runQuietly(call, (context) => new EndRole(context, input));
  }
}
