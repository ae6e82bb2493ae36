import { Body, Controller, Delete, Get, HttpCode, Patch, Post, Query as QueryString } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
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
  TENANT,
} from '../edge/index.js';
import { IsIsoInstant, IsName, IsWholeNumber, Omittable, Refused, UlidParam } from '../platform/index.js';
import { AccountRights, isSelf } from './account-rights.js';
import { CreateServiceAccount, DeleteServiceAccount, RenameServiceAccount } from './change-service-account.js';
import {
  GetServiceAccount,
  type ListedServiceAccount,
  type ListedServiceAccountToken,
  ListServiceAccounts,
  ListServiceAccountTokens,
  type ServiceAccountDetails,
} from './list-service-accounts.js';
import type { ServiceAccountKey, ServiceAccountResource } from './service-account-stream.js';
import {
  type IssuedServiceAccountToken,
  IssueServiceAccountToken,
  RevokeServiceAccountToken,
} from './service-account-tokens.js';
import {
  IssuedServiceAccountTokenDocument,
  ServiceAccountDetailsDocument,
  ServiceAccountDocument,
  ServiceAccountTokenDocument,
} from './service-accounts.documents.js';

const NAME_LENGTH = 64;
const DEFAULT_TOKEN_NAME = 'Default';
/** Ten years. */
const LONGEST_SECONDS = 315_360_000;
const FRESH = { fresh: true };

class ServiceAccountBody {
  @IsName(NAME_LENGTH)
  name!: string;
}

class ServiceAccountTokenBody {
  @Omittable()
  @IsName(NAME_LENGTH)
  @ApiProperty({ default: DEFAULT_TOKEN_NAME })
  name: string = DEFAULT_TOKEN_NAME;

  @Omittable()
  @IsWholeNumber(1, LONGEST_SECONDS)
  @ApiProperty({ example: 3_600, description: 'seconds; no end where absent' })
  expiresIn?: number;

  @Omittable()
  @IsIsoInstant()
  @ApiProperty({ description: 'in the future; counts where both are given' })
  expiresAt?: string;
}

@ApiTags('service accounts')
@Controller('v1/tenants/:tenantId/service-accounts')
export class ServiceAccountsController {
  constructor(
    private readonly edge: CommandEdge,
    private readonly queries: QueryBus,
    private readonly rights: AccountRights,
  ) {}

  @Post()
  @ApiOperation({ summary: 'Create a service account', description: 'It holds nothing until it is given something.' })
  @Requires({ permission: 'service_accounts_create', on: TENANT, seenWith: 'view', fresh: true })
  @AnswersWith(ServiceAccountDocument)
  create(
    @HttpCall() call: Call,
    @UlidParam('tenantId') tenantId: string,
    @Body() { name }: ServiceAccountBody,
  ): Promise<Answer<ServiceAccountResource>> {
    return this.edge.run(call, (context, mint) => {
      return new CreateServiceAccount(context, { tenantId, serviceAccountId: mint('service-account'), name });
    });
  }

  @Get()
  @ApiOperation({ summary: 'List service accounts' })
  @Requires({ permission: 'service_accounts_read', on: TENANT, seenWith: 'view' })
  @AnswersPageOf(ServiceAccountDocument)
  list(@UlidParam('tenantId') tenantId: string, @QueryString() query: PageQuery): Promise<Page<ListedServiceAccount>> {
    return this.queries.execute(new ListServiceAccounts(tenantId, query));
  }

  @Get(':serviceAccountId')
  @ApiOperation({
    summary: 'Read a service account',
    description: 'With the first page of its tokens, for who may list them.',
  })
  @AnswersWith(ServiceAccountDetailsDocument)
  @Problems('forbidden')
  async get(
    @Caller() caller: Principal,
    @UlidParam('tenantId') tenantId: string,
    @UlidParam('serviceAccountId') serviceAccountId: string,
  ): Promise<ServiceAccountDetails> {
    const key = { tenantId, serviceAccountId };
    if (!isSelf(caller, key)) await this.rights.require(caller, key, 'service_accounts_read');
    const account = await this.known(key);
    const shown = await this.rights.mayReadTokens(caller, key);
    const tokens = shown ? await this.queries.execute(new ListServiceAccountTokens(key, new PageQuery())) : null;
    return { ...account, tokens };
  }

  @Patch(':serviceAccountId')
  @ApiOperation({ summary: 'Rename a service account' })
  @HonoursIfMatch()
  @AnswersWith(ServiceAccountDocument)
  @Problems('forbidden')
  async rename(
    @HttpCall() call: Call,
    @Caller() caller: Principal,
    @UlidParam('tenantId') tenantId: string,
    @UlidParam('serviceAccountId') serviceAccountId: string,
    @Body() { name }: ServiceAccountBody,
  ): Promise<Answer<ServiceAccountResource>> {
    const key = { tenantId, serviceAccountId };
    await this.edge.permit(call.request, () => this.rights.require(caller, key, 'service_accounts_update', FRESH));
    const input = { ...key, name, ifRevision: call.ifRevision };
    return this.edge.run(call, (context) => new RenameServiceAccount(context, input));
  }

  @Delete(':serviceAccountId')
  @ApiOperation({ summary: 'Delete a service account', description: 'Its tokens stop, and all it holds ends.' })
  @HttpCode(204)
  @HonoursIfMatch()
  @Problems('forbidden')
  async delete(
    @HttpCall() call: Call,
    @Caller() caller: Principal,
    @UlidParam('tenantId') tenantId: string,
    @UlidParam('serviceAccountId') serviceAccountId: string,
  ): Promise<void> {
    const key = { tenantId, serviceAccountId };
    await this.edge.permit(call.request, () => this.rights.require(caller, key, 'service_accounts_delete', FRESH));
    const input = { ...key, reason: 'deleted' as const, ifRevision: call.ifRevision };
    return this.edge.runQuietly(call, (context) => new DeleteServiceAccount(context, input));
  }

  @Post(':serviceAccountId/tokens')
  @ApiOperation({
    summary: 'Issue a token of a service account',
    description:
      'Nobody issues one that can do more than they can. The answer has the secret, which is told only once.',
  })
  @AnswersWith(IssuedServiceAccountTokenDocument)
  @Problems('forbidden', 'token-name-taken', 'permissions-missing')
  async issueToken(
    @HttpCall() call: Call,
    @Caller() caller: Principal,
    @UlidParam('tenantId') tenantId: string,
    @UlidParam('serviceAccountId') serviceAccountId: string,
    @Body() { name, expiresIn, expiresAt }: ServiceAccountTokenBody,
  ): Promise<Answer<IssuedServiceAccountToken>> {
    const key = { tenantId, serviceAccountId };
    await this.edge.permit(call.request, () => this.rights.requireIssuing(caller, key));
    return this.edge.run(call, (context, mint) => {
      const asked = { name, expiresAt: expiresAt ?? endAfter(context.at, expiresIn) };
      return new IssueServiceAccountToken(context, { ...key, tokenId: mint('token'), ...asked });
    });
  }

  @Get(':serviceAccountId/tokens')
  @ApiOperation({
    summary: 'List the tokens of a service account',
    description: 'Those that do not work any more, too.',
  })
  @AnswersPageOf(ServiceAccountTokenDocument)
  @Problems('forbidden')
  async listTokens(
    @Caller() caller: Principal,
    @UlidParam('tenantId') tenantId: string,
    @UlidParam('serviceAccountId') serviceAccountId: string,
    @QueryString() query: PageQuery,
  ): Promise<Page<ListedServiceAccountToken>> {
    const key = { tenantId, serviceAccountId };
    await this.rights.require(caller, key, 'service_account_tokens_read');
    await this.known(key);
    return this.queries.execute(new ListServiceAccountTokens(key, query));
  }

  @Delete(':serviceAccountId/tokens/:tokenId')
  @ApiOperation({
    summary: 'Revoke a token of a service account',
    description: 'It works no more, and stays in the list.',
  })
  @HttpCode(204)
  @HonoursIfMatch()
  @Problems('forbidden', 'token-already-revoked')
  async revokeToken(
    @HttpCall() call: Call,
    @Caller() caller: Principal,
    @UlidParam('tenantId') tenantId: string,
    @UlidParam('serviceAccountId') serviceAccountId: string,
    @UlidParam('tokenId') tokenId: string,
  ): Promise<void> {
    const key = { tenantId, serviceAccountId };
    await this.edge.permit(call.request, () =>
      this.rights.require(caller, key, 'service_account_tokens_delete', FRESH),
    );
    const input = { ...key, tokenId, ifRevision: call.ifRevision };
    return this.edge.runQuietly(call, (context) => new RevokeServiceAccountToken(context, input));
  }

  private async known(key: ServiceAccountKey): Promise<ListedServiceAccount> {
    const account = await this.queries.execute(new GetServiceAccount(key));
    if (!account) throw new Refused('not-found');
    return account;
  }
}

function endAfter(at: string, seconds: number | undefined): string | null {
  return seconds === undefined ? null : new Date(Date.parse(at) + seconds * 1_000).toISOString();
}
