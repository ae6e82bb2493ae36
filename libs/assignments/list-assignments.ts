import { Inject } from '@nestjs/common';
import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import { type Kysely, sql } from 'kysely';
import { KYSELY, type Page, PageQuery, Paging, SIGNING_KEY } from '../edge/index.js';
import { CLOCK, type Clock } from '../platform/index.js';
import type { RoleName, Subject, Target } from './assignment.decider.js';
import type { AssignmentTable, AssignmentTables } from './list-members.js';

/** One source of one role that a subject holds on a target. */
export interface AssignmentResource {
  /** Of the role on the target, whatever its sources. */
  id: string;
  subject: Subject;
  target: Target;
  role: RoleName;
  source: string;
  until: string | null;
  grantedAt: string;
  grantedBy: string;
}
export interface AssignmentFilters {
  subjectId?: string;
  targetType?: Target['type'];
  targetId?: string;
  role?: RoleName;
}

/** Who holds what in a tenant now, source by source. */
export class ListAssignments extends Query<Page<AssignmentResource>> {
  constructor(
    readonly tenantId: string,
    readonly page: PageQuery & AssignmentFilters,
  ) {
    super();
  }
}

@QueryHandler(ListAssignments)
export class ListAssignmentsHandler implements IQueryHandler<ListAssignments> {
  constructor(
    @Inject(KYSELY) private readonly db: Kysely<AssignmentTables>,
    @Inject(SIGNING_KEY) private readonly key: string,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async execute({ tenantId, page }: ListAssignments): Promise<Page<AssignmentResource>> {
    const paging = new Paging(this.key, `assignments/${tenantId}`, page);
    const after = paging.after;
    const rows = await this.db
      .selectFrom('assignment')
      .selectAll()
      .where('tenant_id', '=', tenantId)
      .where((eb) => eb.or([eb('until', 'is', null), eb('until', '>', this.clock.now().toISOString())]))
      .$if(page.subjectId !== undefined, (query) => query.where('subject_id', '=', page.subjectId!))
      .$if(page.targetType !== undefined, (query) => query.where('target_type', '=', page.targetType!))
      .$if(page.targetId !== undefined, (query) => query.where('target_id', '=', page.targetId!))
      .$if(page.role !== undefined, (query) => query.where('role', '=', page.role!))
      .$if(after !== undefined, (query) =>
        query.where(sql<boolean>`(subject_id, id, source) > (${after![0]}, ${after![1]}, ${after![2]})`),
      )
      .orderBy('subject_id')
      .orderBy('id')
      .orderBy('source')
      .limit(paging.limit + 1)
      .execute();
    return paging.page(rows, assignmentResource, (row) => [row.subject_id, row.id, row.source]);
  }
}

function assignmentResource(row: AssignmentTable): AssignmentResource {
  return {
    id: row.id,
    subject: { type: row.subject_type, id: row.subject_id },
    target: { type: row.target_type, id: row.target_id },
    role: row.role,
    source: row.source,
    until: row.until,
    grantedAt: row.granted_at,
    grantedBy: row.granted_by,
  };
}

/** The role on a target that an assignment id names; undefined where nobody holds it. */
export class FindAssignment extends Query<AssignmentResource | undefined> {
  constructor(
    readonly tenantId: string,
    readonly id: string,
  ) {
    super();
  }
}

@QueryHandler(FindAssignment)
export class FindAssignmentHandler implements IQueryHandler<FindAssignment> {
  constructor(@Inject(KYSELY) private readonly db: Kysely<AssignmentTables>) {}

  async execute({ tenantId, id }: FindAssignment): Promise<AssignmentResource | undefined> {
    const row = await this.db
      .selectFrom('assignment')
      .selectAll()
      .where('tenant_id', '=', tenantId)
      .where('id', '=', id)
      .limit(1)
      .executeTakeFirst();
    return row && assignmentResource(row);
  }
}
