import { Body, Controller, Get, Patch } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import {
  Access,
  type Answer,
  AnswersWith,
  type Call,
  Caller,
  CommandEdge,
  ForAnyKey,
  HonoursIfMatch,
  HttpCall,
  INSTALLATION,
  type Principal,
  Problems,
  subjectOf,
} from '../edge/index.js';
import { ChangeProfile } from './change-user.js';
import { GetUser } from './list-users.js';
import { callingUser } from './self-or-admin.js';
import type { UserResource } from './user-streams.js';
import { MeDocument, UserDocument } from './users.documents.js';
import { ProfileBody, profileChange } from './users.controller.js';

@ApiTags('users')
@Controller('v1/me')
export class MeController {
  constructor(
    private readonly edge: CommandEdge,
    private readonly queries: QueryBus,
    private readonly access: Access,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Who am I?', description: 'A service account is answered, too; it has no e-mail address.' })
  @ForAnyKey()
  @AnswersWith(MeDocument)
  async get(@Caller() caller: Principal): Promise<MeDocument> {
    const { id, type, name, authentication } = caller;
    const user = type === 'user' ? await this.queries.execute(new GetUser(id)) : undefined;
    const { displayName, email, active, revision } = user ?? {
      displayName: name,
      email: null,
      active: true,
      revision: null,
    };
    const question = { subject: subjectOf(caller), resource: INSTALLATION, permission: 'administrate' };
    const systemAdmin = await this.access.allows(question);
    return { id, type, displayName, email, active, systemAdmin, authentication, revision };
  }

  @Patch()
  @ApiOperation({ summary: 'Change my profile', description: 'For users alone.' })
  @HonoursIfMatch()
  @AnswersWith(UserDocument)
  @Problems('forbidden', 'user-inactive')
  change(
    @HttpCall() call: Call,
    @Caller() caller: Principal,
    @Body() body: ProfileBody,
  ): Promise<Answer<UserResource>> {
    const input = { userId: callingUser(caller), ...profileChange(body), ifRevision: call.ifRevision };
    return this.edge.run(call, (context) => new ChangeProfile(context, input));
  }
}
