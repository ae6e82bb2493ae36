import { Inject } from '@nestjs/common';
import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import { type ExpressionBuilder, type Kysely, sql } from 'kysely';
import type { RoleName, Subject, Target } from '../assignments/index.js';
import type { SpiceDb } from '../authorization/index.js';
import { Access, KYSELY, type Page, PageQuery, Paging, SIGNING_KEY, SPICEDB, subjectOf } from '../edge/index.js';
import type { ServiceAccountTables } from '../service-accounts/index.js';
import { BUILT_IN_NAMES } from '../roles/index.js';
import type { RequestStatus, SubmittedRequest } from './request.decider.js';
import type { Identity, RequestResource } from './request-resource.js';

export interface RequestTable {
  id: string;
  tenant_id: string;
  kind: 'role';
  requester_type: Subject['type'];
  requester_id: string;
  requester_name: string | null;
  role: RoleName;
  target_type: Target['type'];
  target_id: string;
  until: string | null;
  reason: string | null;
  status: RequestStatus;
  close_reason: SubmittedRequest['closeReason'];
  revocation_note: string | null;
  reviewer_type: Subject['type'] | null;
  reviewer_id: string | null;
  reviewer_name: string | null;
  review_note: string | null;
  reviewed_at: string | null;
  created_at: string;
  updated_at: string;
  revision: number;
}
export interface RequestTables {
  request: RequestTable;
  app_user: { id: string; display_name: string | null; active: boolean };
  service_account: ServiceAccountTables['service_account'];
}
export type ListedRequest = RequestResource & { revision: number };

/** Stands for the caller. */
export const ME = '@me';
export interface RequestFilters {
  kind?: 'role';
  status?: RequestStatus;
  role?: RoleName;
  targetType?: Target['type'];
  targetId?: string;
  /** The id of a user or service account, or the caller. */
  requester?: string;
  /** Only what is pending and the caller may decide. */
  decidable?: typeof ME;
}

export class ListRequests extends Query<Page<ListedRequest>> {
  constructor(
    readonly tenantId: string,
    readonly caller: Subject,
    readonly page: PageQuery & RequestFilters,
  ) {
    super();
  }
}

@QueryHandler(ListRequests)
export class ListRequestsHandler implements IQueryHandler<ListRequests> {
  constructor(
    @Inject(KYSELY) private readonly db: Kysely<RequestTables>,
    @Inject(SPICEDB) private readonly spicedb: SpiceDb,
    @Inject(SIGNING_KEY) private readonly key: string,
    private readonly access: Access,
  ) {}

  /** Newest first: ids sort by the time of submission. */
  async execute({ tenantId, caller, page }: ListRequests): Promise<Page<ListedRequest>> {
    const paging = new Paging(this.key, `requests/${tenantId}/${subjectOf(caller)}`, page);
    const after = paging.after?.[0];
    const scope = page.decidable === undefined ? undefined : await this.decidable(tenantId, caller);
    const rows = await filtered(requestsWithPeople(this.db, tenantId), page, caller)
      .$if(scope !== undefined, (query) => query.where('request.status', '=', 'pending').where(notOf(caller)))
      .$if(scope !== undefined && scope !== 'all', (query) => query.where(within(scope as DecidableWithin)))
      .$if(after !== undefined, (query) => query.where('request.id', '<', after as string))
      .orderBy('request.id', 'desc')
      .limit(paging.limit + 1)
      .execute();
    return paging.page(rows, listedRequest, ({ id }) => [id]);
  }

  /** The targets whose requests the caller may decide. */
  private async decidable(tenantId: string, caller: Subject): Promise<'all' | DecidableWithin> {
    const [subject, resource] = [subjectOf(caller), `tenant:${tenantId}`];
    if (await this.access.allows({ subject, resource, permission: 'manage' })) return 'all';
    const freshness = this.access.freshAsKnown();
    const [builtIn, own, ownOnTenant] = await Promise.all([
      this.spicedb.lookupResources('workspace', 'grant', subject, freshness),
      this.spicedb.lookupResources('workspace', 'assign_roles', subject, freshness),
      this.access.allows({ subject, resource, permission: 'assign_roles' }),
    ]);
    return { builtIn, own: ownOnTenant ? [tenantId, ...own] : own };
  }
}

/** One request; undefined where the tenant has none with the id. */
export class GetRequest extends Query<ListedRequest | undefined> {
  constructor(
    readonly tenantId: string,
    readonly requestId: string,
  ) {
    super();
  }
}

@QueryHandler(GetRequest)
export class GetRequestHandler implements IQueryHandler<GetRequest> {
  constructor(@Inject(KYSELY) private readonly db: Kysely<RequestTables>) {}

  async execute({ tenantId, requestId }: GetRequest): Promise<ListedRequest | undefined> {
    const row = await requestsWithPeople(this.db, tenantId).where('request.id', '=', requestId).executeTakeFirst();
    return row && listedRequest(row);
  }
}

function requestsWithPeople(db: Kysely<RequestTables>, tenantId: string) {
  return db
    .selectFrom('request')
    .leftJoin('app_user as requester', (join) =>
      join.onRef('requester.id', '=', 'request.requester_id').on('request.requester_type', '=', 'user'),
    )
    .leftJoin('app_user as reviewer', (join) =>
      join.onRef('reviewer.id', '=', 'request.reviewer_id').on('request.reviewer_type', '=', 'user'),
    )
    .leftJoin('service_account as requesting', 'requesting.id', 'request.requester_id')
    .leftJoin('service_account as reviewing', 'reviewing.id', 'request.reviewer_id')
    .selectAll('request')
    .select((eb) => eb.fn.coalesce('requester.display_name', 'requesting.name').as('requester_now'))
    .select(sql<boolean | null>`coalesce(requester.active, requesting.id is not null)`.as('requester_active'))
    .select((eb) => eb.fn.coalesce('reviewer.display_name', 'reviewing.name').as('reviewer_now'))
    .select(sql<boolean | null>`coalesce(reviewer.active, reviewing.id is not null)`.as('reviewer_active'))
    .where('request.tenant_id', '=', tenantId);
}

type RequestsWithPeople = ReturnType<typeof requestsWithPeople>;
type RequestRow = Awaited<ReturnType<RequestsWithPeople['execute']>>[number];

function filtered(requests: RequestsWithPeople, filters: RequestFilters, caller: Subject): RequestsWithPeople {
  const { kind, status, role, targetType, targetId, requester } = filters;
  return (
    requests
      .$if(kind !== undefined, (query) => query.where('request.kind', '=', kind!))
      .$if(status !== undefined, (query) => query.where('request.status', '=', status!))
      .$if(role !== undefined, (query) => query.where('request.role', '=', role!))
      .$if(targetType !== undefined, (query) => query.where('request.target_type', '=', targetType!))
      // What is asked for on a tenant names it: the index of targets finds it among any number for workspaces.
      .$if(targetType === 'tenant', (query) => query.whereRef('request.target_id', '=', 'request.tenant_id'))
      .$if(targetId !== undefined, (query) => query.where('request.target_id', '=', targetId!))
      .$if(requester === ME, (query) => query.where('request.requester_type', '=', caller.type))
      .$if(requester !== undefined, (query) =>
        query.where('request.requester_id', '=', requester === ME ? caller.id : requester!),
      )
  );
}

/** Ids of targets: those whose requests for built-in roles, and those whose requests for the tenant's own roles. */
interface DecidableWithin {
  builtIn: string[];
  own: string[];
}

function within({ builtIn, own }: DecidableWithin) {
  return (eb: ExpressionBuilder<RequestTables, 'request'>) => {
    const isBuiltIn = eb('request.role', 'in', [...BUILT_IN_NAMES]);
    const on = (ids: string[]) => eb('request.target_id', '=', eb.fn.any(eb.val(ids)));
    return eb.or([eb.and([isBuiltIn, on(builtIn)]), eb.and([eb.not(isBuiltIn), on(own)])]);
  };
}

function notOf({ type, id }: Subject) {
  return (eb: ExpressionBuilder<RequestTables, 'request'>) =>
    eb.or([eb('request.requester_type', '!=', type), eb('request.requester_id', '!=', id)]);
}

function listedRequest(row: RequestRow): ListedRequest {
  const { id, kind, role, until, reason, status, revision } = row;
  return {
    ...{ id, kind, tenantId: row.tenant_id, role, target: { type: row.target_type, id: row.target_id }, until, reason },
    ...{ status, closeReason: row.close_reason, revocationNote: row.revocation_note, reviewNote: row.review_note },
    requester: requesterOf(row),
    reviewer: reviewerOf(row),
    reviewedAt: row.reviewed_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    revision,
  };
}

function requesterOf({ requester_type: type, requester_id: id, ...row }: RequestRow): Identity {
  return { type, id, displayName: row.requester_now ?? row.requester_name, active: row.requester_active ?? false };
}

function reviewerOf({ reviewer_type: type, reviewer_id: id, ...row }: RequestRow): Identity | null {
  if (type === null || id === null) return null;
  return { type, id, displayName: row.reviewer_now ?? row.reviewer_name, active: row.reviewer_active ?? false };
}
