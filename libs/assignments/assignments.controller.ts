import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query as QueryString } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiOperation, ApiParam, ApiProperty, ApiTags } from '@nestjs/swagger';
import { IsIn } from 'class-validator';
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
  SubjectBody,
  subjectOf,
} from '../edge/index.js';
import { IsIsoInstant, IsNested, IsUlid, Nullable, Omittable, Refused, UlidParam } from '../platform/index.js';
import { DeciderRuntime } from '../event-store/index.js';
import { IsRoleReference } from '../roles/index.js';
import type { Target } from './assignment.decider.js';
import { isCaller, isOwnMembership, OF_OWN_ROLES, requireOf, RoleGiving, roleInFilter } from './role-giving.js';
import { AssignmentDocument, MemberDocument } from './assignments.documents.js';
import { EndRole } from './end-role.js';
import { GrantRole } from './grant-role.js';
import { type AssignmentResource, FindAssignment, ListAssignments } from './list-assignments.js';
import type { MemberResource } from './member-resource.js';
import { TARGET_TYPES, TargetBody } from './target-body.js';

class AssignBody {
  @IsNested(() => SubjectBody)
  subject!: SubjectBody;

  @IsRoleReference()
  role!: string;

  @IsNested(() => TargetBody)
  target!: TargetBody;

  @Nullable()
  @IsIsoInstant()
  until?: string | null;
}

class ListAssignmentsQuery extends PageQuery {
  @Omittable()
  @IsUlid()
  @ApiProperty({ description: 'only those of a user or service account' })
  subjectId?: string;

  @Omittable()
  @IsIn(TARGET_TYPES)
  @ApiProperty({ enum: TARGET_TYPES, description: 'only those on targets of the type' })
  targetType?: Target['type'];

  @Omittable()
  @IsUlid()
  @ApiProperty({ description: 'only those on a tenant or workspace' })
  targetId?: string;

  @Omittable()
  @IsRoleReference()
  @ApiProperty({ description: 'only those of the role' })
  role?: string;
}

@ApiTags('assignments')
@Controller('v1/tenants/:tenantId/assignments')
export class AssignmentsController {
  constructor(
    private readonly edge: CommandEdge,
    private readonly queries: QueryBus,
    private readonly runtime: DeciderRuntime,
    private readonly giving: RoleGiving,
    private readonly access: Access,
  ) {}

  @Get()
  @ApiOperation({
    summary: 'List assignments',
    description:
      'Who holds what in the tenant and its workspaces, one item for each source of a role, for who holds `members:read`; with their own `subjectId` for anybody.',
  })
  @AnswersPageOf(AssignmentDocument)
  @Problems('forbidden')
  async list(
    @Caller() caller: Principal,
    @UlidParam('tenantId') tenantId: string,
    @QueryString() query: ListAssignmentsQuery,
  ): Promise<Page<AssignmentResource>> {
    if (query.subjectId === caller.id) await this.requireAny(caller, tenantId);
    else await this.access.require({ ...onTenant(caller, tenantId), permission: 'members_read', seenWith: 'view' });
    const role = await roleInFilter(this.runtime, tenantId, query.role);
    return this.queries.execute(new ListAssignments(tenantId, { ...query, role }));
  }

  @Post()
  @ApiOperation({
    summary: 'Give somebody a role',
    description:
      'On the tenant or one of its workspaces, with an end or without. A built-in role takes the place of the one they have there. Nobody gives what they don’t hold themselves.',
  })
  @HonoursIfMatch()
  @AnswersWith(MemberDocument)
  @Problems(
    ...['forbidden', 'subject-not-found', 'until-passed', 'last-admin', 'own-membership'],
    ...['role-not-for-service-accounts', ...OF_OWN_ROLES],
  )
  async assign(
    @HttpCall() call: Call,
    @Caller() caller: Principal,
    @UlidParam('tenantId') tenantId: string,
    @Body() { subject, target, until = null, ...named }: AssignBody,
  ): Promise<Answer<MemberResource>> {
    requireOf(target.type, named.role);
    const asked = { tenantId, role: named.role, target };
    const { mayChange, ...role } = await this.giving.toGive(call.request, caller, asked);
    const isOwn = isOwnMembership(caller, subject, target);
    const { ifRevision } = call;
    const giver = { kind: 'caller', mayChange, isOwn, ifRevision, subjectField: 'subject.id' } as const;
    const input = { tenantId, subject, target, ...role, source: 'direct', until, giver };
    return this.edge.run(call, (context) => new GrantRole(context, input));
  }

  @Delete(':assignmentId')
  @ApiOperation({
    summary: 'Take a role from somebody',
    description: 'Whatever its sources. What is one’s own anybody gives up. A tenant’s last admin stays.',
  })
  @HttpCode(204)
  @HonoursIfMatch()
  @ApiParam({ name: 'assignmentId', description: '`id` of a listed assignment' })
  @Problems('forbidden', 'last-admin')
  async remove(
    @HttpCall() call: Call,
    @Caller() caller: Principal,
    @UlidParam('tenantId') tenantId: string,
    @Param('assignmentId') assignmentId: string,
  ): Promise<void> {
    const found = await this.queries.execute(new FindAssignment(tenantId, assignmentId));
    if (!found) return this.edge.repeatQuietly(call);
    const { subject, target, role } = found;
    if (!isCaller(caller, subject)) await this.giving.toTake(call.request, caller, { role, target });
    const { ifRevision } = call;
    const input = { tenantId, subject, target, role, reason: 'removed' as const, mustHold: true, ifRevision };
    return this.edge.runQuietly(call, (context) => new EndRole(context, input));
  }

  /**
   * A guest of a workspace does not see the tenant, and what they hold there is theirs to list and give up.
   * @throws Refused `not-found` to who neither sees the tenant nor holds anything in it
   */
  private async requireAny(caller: Principal, tenantId: string): Promise<void> {
    if (await this.access.allows({ ...onTenant(caller, tenantId), permission: 'view' })) return;
    const { items } = await this.queries.execute(new ListAssignments(tenantId, { subjectId: caller.id, limit: 1 }));
    if (items.length === 0) throw new Refused('not-found');
  }
}

function onTenant(caller: Principal, tenantId: string) {
  return { subject: subjectOf(caller), resource: `tenant:${tenantId}` };
}
