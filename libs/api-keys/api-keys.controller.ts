import { Body, Controller, Delete, Get, HttpCode, Post, Query as QueryString } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
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
  Requires,
  subjectOf,
  TENANT,
} from '../edge/index.js';
import { IsName, IsUlid, IsWholeNumber, Omittable, Refused, UlidParam } from '../platform/index.js';
import { callingUser } from '../users/index.js';
import { ApiKeyDocument, CreatedApiKeyDocument } from './api-keys.documents.js';
import { CreateApiKey, type CreatedApiKey } from './create-api-key.js';
import { RevokeApiKey } from './end-api-keys.js';
import { GetApiKey, ListApiKeys, type ListedApiKey } from './list-api-keys.js';

const DEFAULT_DAYS = 30;
const LONGEST_DAYS = 3_650;
const API_KEY = { type: 'api_key', param: 'apiKeyId' } as const;

class CreateApiKeyBody {
  @IsName(255)
  name!: string;

  @Omittable()
  @IsWholeNumber(1, LONGEST_DAYS)
  @ApiProperty({ default: DEFAULT_DAYS })
  expiresInDays: number = DEFAULT_DAYS;
}

class ListApiKeysQuery extends PageQuery {
  @Omittable()
  @IsUlid()
  @ApiProperty({ description: 'only those of a user; who is no tenant admin sees their own alone' })
  userId?: string;
}

@ApiTags('API keys')
@Controller('v1/tenants/:tenantId/api-keys')
export class ApiKeysController {
  constructor(
    private readonly edge: CommandEdge,
    private readonly queries: QueryBus,
    private readonly access: Access,
  ) {}

  @Post()
  @ApiOperation({
    summary: 'Create an API key for myself',
    description:
      'It acts as the caller, in this tenant alone. A key makes no keys. The answer has the secret, which is told only once.',
  })
  @Requires({ permission: 'create_api_key', on: TENANT })
  @AnswersWith(CreatedApiKeyDocument)
  @Problems('forbidden', 'api-key-name-taken')
  create(
    @HttpCall() call: Call,
    @Caller() caller: Principal,
    @UlidParam('tenantId') tenantId: string,
    @Body() { name, expiresInDays }: CreateApiKeyBody,
  ): Promise<Answer<CreatedApiKey>> {
    const userId = callingUser(caller);
    if (caller.onlyIn !== undefined) throw new Refused('forbidden', 'an API key makes no API keys');
    return this.edge.run(call, (context, mint) => {
      return new CreateApiKey(context, { tenantId, userId, apiKeyId: mint('api-key'), name, expiresInDays });
    });
  }

  @Get()
  @ApiOperation({ summary: 'List API keys', description: 'The caller’s own; all of the tenant for its admins.' })
  @Requires({ permission: 'view', on: TENANT })
  @AnswersPageOf(ApiKeyDocument)
  async list(
    @Caller() caller: Principal,
    @UlidParam('tenantId') tenantId: string,
    @QueryString() query: ListApiKeysQuery,
  ): Promise<Page<ListedApiKey>> {
    const question = { subject: subjectOf(caller), resource: `tenant:${tenantId}`, permission: 'administrate' };
    const own = query.userId === undefined || query.userId === caller.id;
    if (await this.access.allows(question)) return this.queries.execute(new ListApiKeys(tenantId, query));
    if (!own) return { items: [], nextCursor: null };
    return this.queries.execute(new ListApiKeys(tenantId, Object.assign(query, { userId: caller.id })));
  }

  @Get(':apiKeyId')
  @ApiOperation({ summary: 'Read an API key', description: 'For its owner and the admins of the tenant.' })
  @Requires({ permission: 'view', on: API_KEY })
  @AnswersWith(ApiKeyDocument)
  async get(@UlidParam('tenantId') tenantId: string, @UlidParam('apiKeyId') apiKeyId: string): Promise<ListedApiKey> {
    const key = await this.queries.execute(new GetApiKey(tenantId, apiKeyId));
    if (!key) throw new Refused('not-found');
    return key;
  }

  @Delete(':apiKeyId')
  @ApiOperation({ summary: 'Revoke an API key', description: 'It works no more, and stays in the list.' })
  @HttpCode(204)
  @HonoursIfMatch()
  @Requires({ permission: 'revoke', on: API_KEY, fresh: true })
  @Problems('api-key-already-revoked')
  async revoke(
    @HttpCall() call: Call,
    @Caller() caller: Principal,
    @UlidParam('tenantId') tenantId: string,
    @UlidParam('apiKeyId') apiKeyId: string,
  ): Promise<void> {
    const key = await this.queries.execute(new GetApiKey(tenantId, apiKeyId));
    if (!key) return this.edge.repeatQuietly(call);
    const { userId } = key;
    const isOwn = caller.type === 'user' && caller.id === userId;
    const reason = isOwn ? 'revoked-by-owner' : 'revoked-by-admin';
    const input = { tenantId, userId, apiKeyId, reason, ifRevision: call.ifRevision } as const;
    return this.edge.runQuietly(call, (context) => new RevokeApiKey(context, input));
  }
}
