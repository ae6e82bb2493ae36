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
} from '../edge/index.js';
import { IsName, IsWholeNumber, Nullable, Refused, UlidParam } from '../platform/index.js';
import { callingUser, GetUser, requireSelfOrAdmin } from '../users/index.js';
import { type IssuedToken, IssueToken } from './issue-token.js';
import { type ListedToken, ListTokens } from './list-tokens.js';
import { RevokeToken } from './revoke-token.js';
import { IssuedTokenDocument, TokenDocument } from './tokens.documents.js';

const DEFAULT_DAYS = 30;
const LONGEST_DAYS = 3_650;

class TokenBody {
  @IsName(255)
  name!: string;

  @Nullable()
  @IsWholeNumber(1, LONGEST_DAYS)
  @ApiProperty({ default: DEFAULT_DAYS, description: 'null for a token without an end' })
  expiresInDays: number | null = DEFAULT_DAYS;
}

@ApiTags('tokens')
@Controller('v1/me/tokens')
export class MyTokensController {
  constructor(
    private readonly edge: CommandEdge,
    private readonly queries: QueryBus,
  ) {}

  @Post()
  @ApiOperation({
    summary: 'Issue a token for myself',
    description: 'The answer has the secret, which is told only once.',
  })
  @AnswersWith(IssuedTokenDocument)
  @Problems('forbidden', 'token-name-taken', 'user-inactive', 'user-suspended')
  issue(@HttpCall() call: Call, @Caller() caller: Principal, @Body() body: TokenBody): Promise<Answer<IssuedToken>> {
    const input = { userId: callingUser(caller), name: body.name, expiresInDays: body.expiresInDays };
    return this.edge.run(call, (context, mint) => new IssueToken(context, { tokenId: mint('token'), ...input }));
  }

  @Get()
  @ApiOperation({ summary: 'List my tokens', description: 'Those that do not work any more, too.' })
  @AnswersPageOf(TokenDocument)
  @Problems('forbidden')
  list(@Caller() caller: Principal, @QueryString() query: PageQuery): Promise<Page<ListedToken>> {
    return this.queries.execute(new ListTokens(callingUser(caller), query));
  }

  @Delete(':tokenId')
  @ApiOperation({ summary: 'Revoke one of my tokens', description: 'It works no more, and stays in the list.' })
  @HttpCode(204)
  @HonoursIfMatch()
  @Problems('forbidden', 'token-already-revoked')
  revoke(@HttpCall() call: Call, @Caller() caller: Principal, @UlidParam('tokenId') tokenId: string): Promise<void> {
    const { ifRevision } = call;
    const input = { tokenId, userId: callingUser(caller), reason: 'revoked-by-owner' as const, ifRevision };
    return this.edge.runQuietly(call, (context) => new RevokeToken(context, input));
  }
}

@ApiTags('tokens')
@Controller('v1/users/:userId/tokens')
export class UserTokensController {
  constructor(
    private readonly edge: CommandEdge,
    private readonly queries: QueryBus,
    private readonly access: Access,
  ) {}

  @Post()
  @ApiOperation({
    summary: 'Issue a token for a user',
    description: 'For the user and system admins. The answer has the secret, which is told only once.',
  })
  @AnswersWith(IssuedTokenDocument)
  @Problems('token-name-taken', 'user-inactive', 'user-suspended')
  async issue(
    @HttpCall() call: Call,
    @Caller() caller: Principal,
    @UlidParam('userId') userId: string,
    @Body() { name, expiresInDays }: TokenBody,
  ): Promise<Answer<IssuedToken>> {
    await requireSelfOrAdmin(this.access, caller, { userId, fresh: true });
    return this.edge.run(call, (context, mint) => {
      return new IssueToken(context, { tokenId: mint('token'), userId, name, expiresInDays });
    });
  }

  @Get()
  @ApiOperation({
    summary: 'List the tokens of a user',
    description: 'For the user and system admins. Those that do not work any more, too.',
  })
  @AnswersPageOf(TokenDocument)
  async list(
    @Caller() caller: Principal,
    @UlidParam('userId') userId: string,
    @QueryString() query: PageQuery,
  ): Promise<Page<ListedToken>> {
    await requireSelfOrAdmin(this.access, caller, { userId });
    if (!(await this.queries.execute(new GetUser(userId)))) throw new Refused('not-found');
    return this.queries.execute(new ListTokens(userId, query));
  }

  @Delete(':tokenId')
  @ApiOperation({
    summary: 'Revoke a token of a user',
    description: 'For the user and system admins. It works no more, and stays in the list.',
  })
  @HttpCode(204)
  @HonoursIfMatch()
  @Problems('token-already-revoked')
  async revoke(
    @HttpCall() call: Call,
    @Caller() caller: Principal,
    @UlidParam('userId') userId: string,
    @UlidParam('tokenId') tokenId: string,
  ): Promise<void> {
    await requireSelfOrAdmin(this.access, caller, { userId, fresh: true });
    const reason = caller.id === userId ? 'revoked-by-owner' : 'revoked-by-admin';
    const input = { tokenId, userId, reason, ifRevision: call.ifRevision } as const;
    return this.edge.runQuietly(call, (context) => new RevokeToken(context, input));
  }
}
