import { Controller, Get, Param, Query as QueryString } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { AnswersPageOf, type Page, PageQuery, Requires, TENANT } from '../edge/index.js';
import { Refused, UlidParam } from '../platform/index.js';
import { GetRole, ROLE_ID, roleIdOf } from '../roles/index.js';
import { AssignmentDocument } from './assignments.documents.js';
import { type AssignmentResource, ListAssignments } from './list-assignments.js';

@ApiTags('roles')
@Controller('v1/tenants/:tenantId/roles/:roleId/assignments')
export class RoleAssignmentsController {
  constructor(private readonly queries: QueryBus) {}

  @Get()
  @ApiOperation({ summary: 'List who holds a role', description: 'And on what.' })
  @Requires({ permission: 'members_read', on: TENANT, seenWith: 'view' })
  @ApiParam({
    name: 'roleId',
    description: 'a built-in role, or the id of one of the tenant',
    schema: { type: 'string', pattern: ROLE_ID.pattern },
  })
  @AnswersPageOf(AssignmentDocument)
  async list(
    @UlidParam('tenantId') tenantId: string,
    @Param('roleId') id: string,
    @QueryString() query: PageQuery,
  ): Promise<Page<AssignmentResource>> {
    const role = roleIdOf(id);
    if (!(await this.queries.execute(new GetRole(tenantId, role)))) throw new Refused('not-found');
    return this.queries.execute(new ListAssignments(tenantId, { ...query, role }));
  }
}
