import {
  applyDecorators,
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Patch,
  Post,
  Query as QueryString,
} from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsEmail, IsIn } from 'class-validator';
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
} from '../edge/index.js';
import {
  IsName,
  IsNested,
  IsTrueOrFalse,
  normaliseLine,
  Nullable,
  Omittable,
  Refused,
  UlidParam,
} from '../platform/index.js';
import { ChangeProfile, DeactivateUser } from './change-user.js';
import { GetUser, type ListedUser, ListUsers } from './list-users.js';
import { RegisterUser } from './register-user.js';
import { requireSelfOrAdmin } from './self-or-admin.js';
import { ReinstateUser, SuspendUser } from './suspend-user.js';
import type { UserStatus } from './user.decider.js';
import { USER_STATUSES, UserDocument } from './users.documents.js';
import { givenProfile, type UserResource } from './user-streams.js';

const NAME_LENGTH = 255;

/** An e-mail address; the handler gets it in lower case. */
function IsEmailAddress(): PropertyDecorator {
  return applyDecorators(
    Transform(({ value }: { value: unknown }) =>
      typeof value === 'string' ? normaliseLine(value).toLowerCase() : value,
    ),
    IsEmail({}, { message: '$property must be an e-mail address' }),
    ApiProperty({ type: String, format: 'email', maxLength: 254 }),
  );
}

export class ProfileBody {
  @Nullable()
  @IsName(NAME_LENGTH)
  displayName?: string | null;

  @Nullable()
  @IsEmailAddress()
  email?: string | null;
}

class ExternalIdentityBody {
  @ApiProperty({ description: 'the identity provider', maxLength: NAME_LENGTH })
  @IsName(NAME_LENGTH)
  issuer!: string;

  @ApiProperty({ description: 'who the user is to it', maxLength: NAME_LENGTH })
  @IsName(NAME_LENGTH)
  subject!: string;
}

class RegisterUserBody extends ProfileBody {
  @Nullable()
  @IsNested(() => ExternalIdentityBody)
  externalIdentity?: ExternalIdentityBody | null;
}

class SuspensionBody {}

class ReinstatementBody {}

class ListUsersQuery extends PageQuery {
  @Omittable()
  @IsTrueOrFalse()
  @ApiProperty({ description: 'whether they may act: neither suspended nor deactivated' })
  active?: boolean;

  @Omittable()
  @IsIn(USER_STATUSES)
  @ApiProperty({ enum: USER_STATUSES, description: 'only those' })
  status?: UserStatus;

  @Omittable()
  @IsEmailAddress()
  @ApiProperty({ description: 'only those with exactly this address, in any case' })
  email?: string;
}

/** @throws Refused `invalid` where nothing is to be changed */
export function profileChange({ displayName, email }: ProfileBody): ProfileBody {
  if (displayName === undefined && email === undefined) {
    throw new Refused('invalid', 'displayName or email is needed');
  }
  return { displayName, email };
}

@ApiTags('users')
@Controller('v1/users')
export class UsersController {
  constructor(
    private readonly edge: CommandEdge,
    private readonly queries: QueryBus,
    private readonly access: Access,
  ) {}

  @Post()
  @ApiOperation({
    summary: 'Register a user',
    description: 'With an external identity they are whoever signs in with it; without one they need a token.',
  })
  @Requires({ permission: 'administrate', on: 'system' })
  @AnswersWith(UserDocument)
  @Problems('identity-taken')
  register(@HttpCall() call: Call, @Body() body: RegisterUserBody): Promise<Answer<UserResource>> {
    const { issuer, subject } = body.externalIdentity ?? {};
    const externalIdentity = issuer !== undefined && subject !== undefined ? { issuer, subject } : null;
    const profile = givenProfile(body);
    return this.edge.run(call, (context, mint) => {
      return new RegisterUser(context, { userId: mint('user'), externalIdentity, profile });
    });
  }

  @Get()
  @ApiOperation({ summary: 'List users', description: 'The suspended and the deactivated ones, too.' })
  @Requires({ permission: 'administrate', on: 'system' })
  @AnswersPageOf(UserDocument)
  list(@QueryString() query: ListUsersQuery): Promise<Page<ListedUser>> {
    return this.queries.execute(new ListUsers(query));
  }

  @Get(':userId')
  @ApiOperation({ summary: 'Read a user', description: 'For the user and system admins.' })
  @AnswersWith(UserDocument)
  async get(@Caller() caller: Principal, @UlidParam('userId') userId: string): Promise<ListedUser> {
    await requireSelfOrAdmin(this.access, caller, { userId });
    const user = await this.queries.execute(new GetUser(userId));
    if (!user) throw new Refused('not-found');
    return user;
  }

  @Patch(':userId')
  @ApiOperation({ summary: 'Change the profile of a user', description: 'For the user and system admins.' })
  @HonoursIfMatch()
  @AnswersWith(UserDocument)
  @Problems('user-inactive')
  async change(
    @HttpCall() call: Call,
    @Caller() caller: Principal,
    @UlidParam('userId') userId: string,
    @Body() body: ProfileBody,
  ): Promise<Answer<UserResource>> {
    await requireSelfOrAdmin(this.access, caller, { userId });
    const input = { userId, ...profileChange(body), ifRevision: call.ifRevision };
    return this.edge.run(call, (context) => new ChangeProfile(context, input));
  }

  @Post(':userId/suspension')
  @ApiOperation({
    summary: 'Suspend a user',
    description: 'Withdraws what they hold in every tenant, and refuses their tokens, until they are reinstated.',
  })
  @HttpCode(200)
  @Requires({ permission: 'administrate', on: 'system', fresh: true })
  @HonoursIfMatch()
  @AnswersWith(UserDocument)
  @Problems('built-in-user', 'own-suspension', 'user-inactive')
  suspend(
    @HttpCall() call: Call,
    @UlidParam('userId') userId: string,
    @Body() _body: SuspensionBody,
  ): Promise<Answer<UserResource>> {
    const input = { userId, ifRevision: call.ifRevision };
    return this.edge.run(call, (context) => new SuspendUser(context, input));
  }

  @Post(':userId/reinstatement')
  @ApiOperation({ summary: 'Reinstate a suspended user', description: 'Brings back what is still theirs.' })
  @HttpCode(200)
  @Requires({ permission: 'administrate', on: 'system', fresh: true })
  @HonoursIfMatch()
  @AnswersWith(UserDocument)
  @Problems('user-inactive')
  reinstate(
    @HttpCall() call: Call,
    @UlidParam('userId') userId: string,
    @Body() _body: ReinstatementBody,
  ): Promise<Answer<UserResource>> {
    const input = { userId, ifRevision: call.ifRevision };
    return this.edge.run(call, (context) => new ReinstateUser(context, input));
  }

  @Delete(':userId')
  @ApiOperation({
    summary: 'Deactivate a user for good',
    description: 'What they hold ends, and their tokens are refused. They stay readable.',
  })
  @HttpCode(204)
  @Requires({ permission: 'administrate', on: 'system', fresh: true })
  @HonoursIfMatch()
  @Problems('built-in-user')
  deactivate(@HttpCall() call: Call, @UlidParam('userId') userId: string): Promise<void> {
    const input = { userId, ifRevision: call.ifRevision };
    return this.edge.runQuietly(call, (context) => new DeactivateUser(context, input));
  }
}
