import { Body, Controller, Get, HttpCode, Post, Query as QueryString } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { namedRole, requireOf, roleInFilter } from '../assignments/index.js';
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
import { ListWorkspaces } from '../workspaces/index.js';
import { DecideRequest } from './decide-request.js';
import { GetRequest, type ListedRequest, ListRequests, ME } from './list-requests.js';
import { RequestAccess } from './request-access.js';
import {
  DecisionBody,
  ListRequestsQuery,
  RevocationBody,
  SubmitRequestBody,
  WithdrawalBody,
} from './request-bodies.js';
import { RequestDocument } from './request-documents.js';
import type { RequestResource } from './request-resource.js';
import { RevokeRequest } from './revoke-request.js';
import { SubmitRequest } from './submit-request.js';
import { WithdrawRequest } from './withdraw-request.js';

@ApiTags('requests')
@Controller('v1/tenants/:tenantId/requests')
export class RequestsController {
  constructor(
    private readonly edge: CommandEdge,
    private readonly queries: QueryBus,
    private readonly access: Access,
    private readonly rights: RequestAccess,
    private readonly runtime: DeciderRuntime,
  ) {}

  @Post()
  @ApiOperation({
    summary: 'Request a role',
    description:
      'The requester is the caller: any member of the tenant may ask for a requestable role on it or its workspaces.',
  })
  @Requires({ permission: 'view', on: TENANT })
  @AnswersWith(RequestDocument)
  @Problems(
    ...['until-passed', 'role-not-requestable', 'role-already-held', 'request-pending'],
    'role-not-for-service-accounts',
  )
  async submit(
    @HttpCall() call: Call,
    @Caller() { type, id }: Principal,
    @UlidParam('tenantId') tenantId: string,
    @Body() body: SubmitRequestBody,
  ): Promise<Answer<RequestResource>> {
    const { target, until = null, supersede = false } = body;
    requireOf(target.type, body.role);
    let role = normaliseUlid(body.role) ?? body.role;
    await this.edge.permit(call.request, async () => {
      ({ role } = await namedRole(this.runtime, { tenantId, role: body.role, targetType: target.type }));
    });
    const asked = { tenantId, requester: { type, id }, role, target: { type: target.type, id: target.id }, until };
    return this.edge.run(call, (context, mint) => {
      const input = { ...asked, requestId: mint('request'), reason: body.reason || undefined, supersede };
      return new SubmitRequest(context, input);
    });
  }

  @Get()
  @ApiOperation({
    summary: 'List requests',
    description:
      'All of the tenant for who holds `requests:read`; with `requester=@me` those of the caller, with `decidable=@me` those that the caller may decide. Newest first.',
  })
  @AnswersPageOf(RequestDocument)
  @Problems('forbidden')
  async list(
    @Caller() caller: Principal,
    @UlidParam('tenantId') tenantId: string,
    @QueryString() query: ListRequestsQuery,
  ): Promise<Page<ListedRequest>> {
    const isOwn = query.requester === ME || query.requester === caller.id;
    const question = { subject: subjectOf(caller), resource: `tenant:${tenantId}` };
    if (query.decidable !== undefined) await this.requireInside(question, tenantId);
    else await this.access.require({ ...question, permission: isOwn ? 'view' : 'requests_read', seenWith: 'view' });
    const role = await roleInFilter(this.runtime, tenantId, query.role);
    return this.queries.execute(new ListRequests(tenantId, caller, { ...query, role }));
  }

  @Get(':requestId')
  @ApiOperation({
    summary: 'Read a request',
    description: 'For the requester, who may decide it, and who holds `requests:read`.',
  })
  @AnswersWith(RequestDocument)
  async get(
    @Caller() caller: Principal,
    @UlidParam('tenantId') tenantId: string,
    @UlidParam('requestId') requestId: string,
  ): Promise<ListedRequest> {
    const request = await this.queries.execute(new GetRequest(tenantId, requestId));
    if (!request || !(await this.rights.maySee(caller, request))) throw new Refused('not-found');
    return request;
  }

  @Post(':requestId/decision')
  @ApiOperation({
    summary: 'Approve or reject a request',
    description:
      'Not one’s own. Nobody approves what they don’t hold themselves. An approved request is granted at once.',
  })
  @HttpCode(200)
  @HonoursIfMatch()
  @AnswersWith(RequestDocument)
  @Problems(
    ...['forbidden', 'own-request', 'request-not-pending', 'target-gone', 'role-not-requestable-any-more'],
    ...['requester-gone', 'requester-suspended', 'request-until-passed'],
    ...['permissions-missing', 'role-changed-meanwhile'],
  )
  async decide(
    @HttpCall() call: Call,
    @Caller() caller: Principal,
    @UlidParam('tenantId') tenantId: string,
    @UlidParam('requestId') requestId: string,
    @Body() { decision: verdict, note }: DecisionBody,
  ): Promise<Answer<RequestResource>> {
    let judgedRevision: number | undefined;
    await this.edge.permit(call.request, async () => {
      judgedRevision = await this.rights.requireReviewer(caller, { tenantId, requestId }, verdict);
    });
    const reviewer = { by: subjectIn(caller), reviewerName: caller.name ?? undefined };
    const { ifRevision } = call;
    const input = { tenantId, requestId, ifRevision, ...reviewer, judgedRevision, verdict, note: note || undefined };
    return this.edge.run(call, (context) => new DecideRequest(context, input));
  }

  @Post(':requestId/withdrawal')
  @ApiOperation({ summary: 'Withdraw a request', description: 'For the requester, as long as it is pending.' })
  @HttpCode(200)
  @HonoursIfMatch()
  @AnswersWith(RequestDocument)
  @Problems('forbidden', 'request-not-pending')
  async withdraw(
    @HttpCall() call: Call,
    @Caller() caller: Principal,
    @UlidParam('tenantId') tenantId: string,
    @UlidParam('requestId') requestId: string,
    @Body() _body: WithdrawalBody,
  ): Promise<Answer<RequestResource>> {
    await this.edge.permit(call.request, () => this.rights.requireRequester(caller, { tenantId, requestId }));
    const input = { tenantId, requestId, ifRevision: call.ifRevision, by: subjectIn(caller) };
    return this.edge.run(call, (context) => new WithdrawRequest(context, input));
  }

  @Post(':requestId/revocation')
  @ApiOperation({
    summary: 'Revoke the grant of a request',
    description: 'Ends what the request gave, and nothing that is held from elsewhere.',
  })
  @HttpCode(200)
  @HonoursIfMatch()
  @AnswersWith(RequestDocument)
  @Problems('forbidden', 'request-not-approved', 'last-admin')
  async revoke(
    @HttpCall() call: Call,
    @Caller() caller: Principal,
    @UlidParam('tenantId') tenantId: string,
    @UlidParam('requestId') requestId: string,
    @Body() { note }: RevocationBody,
  ): Promise<Answer<RequestResource>> {
    await this.edge.permit(call.request, () => this.rights.requireRevoker(caller, { tenantId, requestId }));
    const { ifRevision } = call;
    const input = { tenantId, requestId, ifRevision, by: subjectIn(caller), note: note || undefined };
    return this.edge.run(call, (context) => new RevokeRequest(context, input));
  }

  /**
   * A guest who administrates a workspace decides its requests without seeing the tenant.
   * @throws Refused `not-found` to who sees nothing of the tenant
   */
  private async requireInside(question: { subject: string; resource: string }, tenantId: string): Promise<void> {
    if (await this.access.allows({ ...question, permission: 'view' })) return;
    const { items } = await this.queries.execute(new ListWorkspaces(tenantId, question.subject, { limit: 1 }));
    if (items.length === 0) throw new Refused('not-found');
  }
}

function subjectIn({ type, id }: Principal) {
  return { type, id };
}
