import { Body, Controller, Delete, Get, HttpCode, Inject, Patch, Post, Query as QueryString } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiProperty, ApiTags } from '@nestjs/swagger';
import { IsIn } from 'class-validator';
import {
  type Answer,
  AnswersPageOf,
  AnswersWith,
  type Call,
  CommandEdge,
  HonoursIfMatch,
  HttpCall,
  type Page,
  PageQuery,
  Problems,
  Requires,
} from '../edge/index.js';
import { CLOCK, type Clock, IsIsoInstant, IsUlid, Nullable, Omittable, Refused, UlidParam } from '../platform/index.js';
import type { RoleName, Target } from './assignment.decider.js';
import { ListedMemberDocument, MemberDocument } from './assignments.documents.js';
import { EndRole } from './end-role.js';
import { GrantRole } from './grant-role.js';
import { type ListedMember, ListMembers } from './list-members.js';
import type { MemberResource } from './member-resource.js';
import { RemoveTenantMember } from './remove-member.js';

const TENANT_ROLES = ['admin', 'member'] as const;
const WORKSPACE_ROLES = ['admin', 'editor', 'member'] as const;
const TENANT = { type: 'tenant', param: 'tenantId' } as const;
const WORKSPACE = { type: 'workspace', param: 'workspaceId' } as const;

class TenantRoleBody {
  @ApiProperty({ enum: TENANT_ROLES })
  @IsIn(TENANT_ROLES)
  role!: (typeof TENANT_ROLES)[number];

  @Nullable()
  @IsIsoInstant()
  until?: string | null;
}

class AddTenantMemberBody extends TenantRoleBody {
  @IsUlid()
  userId!: string;
}

class WorkspaceRoleBody {
  @ApiProperty({ enum: WORKSPACE_ROLES })
  @IsIn(WORKSPACE_ROLES)
  role!: (typeof WORKSPACE_ROLES)[number];

  @Nullable()
  @IsIsoInstant()
  until?: string | null;
}

class AddWorkspaceMemberBody extends WorkspaceRoleBody {
  @IsUlid()
  userId!: string;
}

class ListTenantMembersQuery extends PageQuery {
  @Omittable()
  @IsIn(TENANT_ROLES)
  @ApiProperty({ enum: TENANT_ROLES })
  role?: (typeof TENANT_ROLES)[number];
}

class ListWorkspaceMembersQuery extends PageQuery {
  @Omittable()
  @IsIn(WORKSPACE_ROLES)
  @ApiProperty({ enum: WORKSPACE_ROLES })
  role?: (typeof WORKSPACE_ROLES)[number];
}

interface Given {
  userId: string;
  role: RoleName;
  until?: string | null;
  mustHold?: boolean;
}

/** Sends the commands that both kinds of members have in common. */
abstract class Members {
  constructor(
    protected readonly edge: CommandEdge,
    protected readonly queries: QueryBus,
    private readonly clock: Clock,
  ) {}

  protected give(call: Call, tenantId: string, target: Target, given: Given): Promise<Answer<MemberResource>> {
    const { userId, role, until = null, mustHold } = given;
    const { ifRevision } = call;
    if (until !== null && until <= this.clock.now().toISOString()) {
      throw new Refused('until-passed', 'until must be in the future', { field: 'until' });
    }
    const subject = { type: 'user' as const, id: userId };
    const input = { tenantId, subject, target, role, source: 'direct', until, replaces: true };
    const rules = { mustHold, ifRevision, subjectField: 'userId' };
    return this.edge.run(call, (context) => new GrantRole(context, { ...input, ...rules }));
  }
}

@ApiTags('members')
@Controller('v1/tenants/:tenantId/members')
export class TenantMembersController extends Members {
  constructor(edge: CommandEdge, queries: QueryBus, @Inject(CLOCK) clock: Clock) {
    super(edge, queries, clock);
  }

  @Get()
  @Requires({ permission: 'manage', on: TENANT, seenWith: 'view' })
  @AnswersPageOf(ListedMemberDocument)
  list(
    @UlidParam('tenantId') tenantId: string,
    @QueryString() query: ListTenantMembersQuery,
  ): Promise<Page<ListedMember>> {
    return this.queries.execute(new ListMembers(tenantId, { type: 'tenant', id: tenantId }, query));
  }

  @Post()
  @HonoursIfMatch()
  @Requires({ permission: 'manage', on: TENANT, seenWith: 'view', fresh: true })
  @AnswersWith(MemberDocument)
  @Problems('subject-not-found', 'until-passed', 'last-admin')
  add(
    @HttpCall() call: Call,
    @UlidParam('tenantId') tenantId: string,
    @Body() body: AddTenantMemberBody,
  ): Promise<Answer<MemberResource>> {
    return this.give(call, tenantId, { type: 'tenant', id: tenantId }, body);
  }

  @Patch(':userId')
  @HonoursIfMatch()
  @Requires({ permission: 'manage', on: TENANT, seenWith: 'view', fresh: true })
  @AnswersWith(MemberDocument)
  @Problems('subject-not-found', 'until-passed', 'last-admin')
  change(
    @HttpCall() call: Call,
    @UlidParam('tenantId') tenantId: string,
    @UlidParam('userId') userId: string,
    @Body() body: TenantRoleBody,
  ): Promise<Answer<MemberResource>> {
    return this.give(call, tenantId, { type: 'tenant', id: tenantId }, { ...body, userId, mustHold: true });
  }

  @Delete(':userId')
  @HttpCode(204)
  @HonoursIfMatch()
  @Requires({ permission: 'manage', on: TENANT, seenWith: 'view', fresh: true })
  @Problems('last-admin')
  remove(
    @HttpCall() call: Call,
    @UlidParam('tenantId') tenantId: string,
    @UlidParam('userId') userId: string,
  ): Promise<void> {
    const input = { tenantId, userId, reason: 'member-removed' as const, ifRevision: call.ifRevision };
    return this.edge.runQuietly(call, (context) => new RemoveTenantMember(context, input));
  }
}

@ApiTags('workspaces')
@Controller('v1/tenants/:tenantId/workspaces/:workspaceId/members')
export class WorkspaceMembersController extends Members {
  constructor(edge: CommandEdge, queries: QueryBus, @Inject(CLOCK) clock: Clock) {
    super(edge, queries, clock);
  }

  @Get()
  @Requires({ permission: 'view', on: WORKSPACE })
  @AnswersPageOf(ListedMemberDocument)
  list(
    @UlidParam('tenantId') tenantId: string,
    @UlidParam('workspaceId') workspaceId: string,
    @QueryString() query: ListWorkspaceMembersQuery,
  ): Promise<Page<ListedMember>> {
    return this.queries.execute(new ListMembers(tenantId, { type: 'workspace', id: workspaceId }, query));
  }

  @Post()
  @HonoursIfMatch()
  @Requires({ permission: 'grant', on: WORKSPACE, seenWith: 'view', fresh: true })
  @AnswersWith(MemberDocument)
  @Problems('subject-not-found', 'until-passed')
  add(
    @HttpCall() call: Call,
    @UlidParam('tenantId') tenantId: string,
    @UlidParam('workspaceId') workspaceId: string,
    @Body() body: AddWorkspaceMemberBody,
  ): Promise<Answer<MemberResource>> {
    return this.give(call, tenantId, { type: 'workspace', id: workspaceId }, body);
  }

  @Patch(':userId')
  @HonoursIfMatch()
  @Requires({ permission: 'grant', on: WORKSPACE, seenWith: 'view', fresh: true })
  @AnswersWith(MemberDocument)
  @Problems('subject-not-found', 'until-passed')
  change(
    @HttpCall() call: Call,
    @UlidParam('tenantId') tenantId: string,
    @UlidParam('workspaceId') workspaceId: string,
    @UlidParam('userId') userId: string,
    @Body() body: WorkspaceRoleBody,
  ): Promise<Answer<MemberResource>> {
    const given = { ...body, userId, mustHold: true };
    return this.give(call, tenantId, { type: 'workspace', id: workspaceId }, given);
  }

  @Delete(':userId')
  @HttpCode(204)
  @HonoursIfMatch()
  @Requires({ permission: 'grant', on: WORKSPACE, seenWith: 'view', fresh: true })
  remove(
    @HttpCall() call: Call,
    @UlidParam('tenantId') tenantId: string,
    @UlidParam('workspaceId') workspaceId: string,
    @UlidParam('userId') userId: string,
  ): Promise<void> {
    const key = {
      subject: { type: 'user' as const, id: userId },
      target: { type: 'workspace' as const, id: workspaceId },
    };
    const input = { tenantId, ...key, reason: 'removed' as const, mustHold: true, ifRevision: call.ifRevision };
    return this.edge.runQuietly(call, (context) => new EndRole(context, input));
  }
}
