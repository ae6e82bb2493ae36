import { Inject } from '@nestjs/common';
import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import { type Kysely, sql } from 'kysely';
import { KYSELY, type Page, PageQuery, Paging, SIGNING_KEY } from '../edge/index.js';
import { DeciderRuntime, EventLogUnavailable, PARTITION } from '../event-store/index.js';
import { answersWithin, CLOCK, type Clock, Refused } from '../platform/index.js';
import type { ServiceAccountTables } from '../service-accounts/index.js';
import type { WorkspaceTables } from '../workspaces/index.js';
import type { RoleName, Subject, Target } from './assignment.decider.js';
import type { AssignmentKey } from './assignment-streams.js';
import { inOrder, latestEnd, memberResource, type MemberResource } from './member-resource.js';

export interface AssignmentTable {
  id: string;
  tenant_id: string;
  subject_type: Subject['type'];
  subject_id: string;
  target_type: Target['type'];
  target_id: string;
  role: RoleName;
  source: string;
  until: string | null;
  granted_at: string;
  granted_by: string;
}
export interface AssignmentTables {
  assignment: AssignmentTable;
  app_user: { id: string; display_name: string | null; active: boolean };
  service_account: ServiceAccountTables['service_account'];
  workspace: WorkspaceTables['workspace'];
}

export type ListedMember = MemberResource & { displayName: string | null; active: boolean };
/** With the revision, but for while the event log can't be read. */
export type ReadMember = ListedMember & { revision: number | null };

interface MemberRow {
  subject_type: Subject['type'];
  subject_id: string;
  display_name: string | null;
  active: boolean | null;
  held: { role: RoleName; source: string; until: string | null }[];
}

/** Reading goes on without the log. */
const LONGEST_WAIT_FOR_LOG_MS = 1_000;

/** Who holds which roles on a target now. */
export class ListMembers extends Query<Page<ListedMember>> {
  constructor(
    readonly tenantId: string,
    readonly target: Target,
    readonly page: PageQuery & { role?: RoleName },
  ) {
    super();
  }
}

@QueryHandler(ListMembers)
export class ListMembersHandler implements IQueryHandler<ListMembers> {
  constructor(
    @Inject(KYSELY) private readonly db: Kysely<AssignmentTables>,
    @Inject(SIGNING_KEY) private readonly key: string,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async execute({ tenantId, target, page }: ListMembers): Promise<Page<ListedMember>> {
    if (target.type === 'workspace') await this.requireWorkspace(tenantId, target.id);
    const paging = new Paging(this.key, `members/${tenantId}/${target.type}/${target.id}`, page);
    const after = paging.after?.[0];
    const { rows } = await sql<MemberRow>`${membersOf(tenantId, target, this.clock)}
        and (${after ?? null}::text is null or a.subject_id > ${after ?? null}::text)
      group by ${EACH_MEMBER}
      having ${page.role ?? null}::text is null or bool_or(a.role = ${page.role ?? null}::text)
      order by a.subject_id limit ${paging.limit + 1}`.execute(this.db);
    return paging.page(
      rows,
      (row) => listedMember(target, row),
      ({ subject_id }) => [subject_id],
    );
  }

  /** @throws Refused `not-found` for a workspace of another tenant */
  private async requireWorkspace(tenantId: string, id: string): Promise<void> {
    const found = this.db.selectFrom('workspace').select('id').where('tenant_id', '=', tenantId).where('id', '=', id);
    if (!(await found.executeTakeFirst())) throw new Refused('not-found');
  }
}

const EACH_MEMBER = sql`a.subject_type, a.subject_id, u.display_name, s.name, u.active`;

/** With their names and what they hold; to be narrowed, and grouped by each member. */
function membersOf(tenantId: string, target: Target, clock: Clock) {
  return sql`
    select a.subject_type, a.subject_id, coalesce(u.display_name, s.name) as display_name, u.active,
           json_agg(json_build_object('role', a.role, 'source', a.source, 'until', a.until)) as held
    from assignment a left join app_user u on a.subject_type = 'user' and u.id = a.subject_id
    left join service_account s on a.subject_type = 'service_account' and s.id = a.subject_id
    where a.tenant_id = ${tenantId} and a.target_type = ${target.type} and a.target_id = ${target.id}
      and (a.until is null or a.until > ${clock.now().toISOString()}::timestamptz)`;
}

/** Somebody who holds a role on a target now; undefined for others. */
export class GetMember extends Query<ReadMember | undefined> {
  constructor(
    readonly tenantId: string,
    readonly target: Target,
    /** Of a user or a service account. */
    readonly memberId: string,
  ) {
    super();
  }
}

@QueryHandler(GetMember)
export class GetMemberHandler implements IQueryHandler<GetMember> {
  constructor(
    @Inject(KYSELY) private readonly db: Kysely<AssignmentTables>,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly runtime: DeciderRuntime,
  ) {}

  async execute({ tenantId, target, memberId }: GetMember): Promise<ReadMember | undefined> {
    // The revision is that of the rows, and not of what they don't show yet: nobody overwrites what they did not see.
    const { rows } = await sql<MemberRow & { position: number }>`
      select member.*, (select position from relay_checkpoint where partition = ${PARTITION}) as position
      from (${membersOf(tenantId, target, this.clock)} and a.subject_id = ${memberId} group by ${EACH_MEMBER}) member
      `.execute(this.db);
    if (!rows[0]) return undefined;
    const member = listedMember(target, rows[0]);
    const key = { tenantId, target, subject: member.subject };
    return { ...member, revision: await this.revisionOf(key, rows[0].position) };
  }

  private async revisionOf(key: AssignmentKey, position: number): Promise<number | null> {
    const asked = memberResource(this.runtime, key, { at: this.clock.now().toISOString(), position }).then(
      ({ revision }) => revision,
      (error: unknown) => {
        if (error instanceof EventLogUnavailable) return null;
        throw error;
      },
    );
    const isAnswered = await answersWithin(
      LONGEST_WAIT_FOR_LOG_MS,
      asked.catch(() => null),
    );
    return isAnswered ? asked : null;
  }
}

function listedMember(target: Target, row: MemberRow): ListedMember {
  const roles = inOrder(row.held.map(({ role }) => role)).map((role) => {
    const held = row.held.filter((source) => source.role === role);
    const until = latestEnd(held.map((source) => source.until && new Date(source.until).toISOString()));
    return { role, until, sources: held.map(({ source }) => source).sort() };
  });
  const subject = { type: row.subject_type, id: row.subject_id };
  return { subject, target, roles, displayName: row.display_name, active: row.active ?? true };
}
