import { Body, Controller, Get, Patch } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import {
  Access,
  type Answer,
  type Call,
  Caller,
  CommandEdge,
  HttpCall,
  INSTALLATION,
  type Principal,
  subjectOf,
} from '../edge/index.js';
import { ChangeProfile } from './change-user.js';
import { GetUser } from './list-users.js';
import { callingUser } from './self-or-admin.js';
import type { Profile } from './user.decider.js';
import type { UserResource } from './user-streams.js';
import { ProfileBody, profileChange } from './users.controller.js';

export interface Me extends Profile {
  id: string;
  type: Principal['type'];
  active: boolean;
  systemAdmin: boolean;
  /** How the caller proved who they are: `token`, `admin-token`. */
  authentication: string;
}

@ApiTags('users')
@Controller('v1/me')
export class MeController {
  constructor(
    private readonly edge: CommandEdge,
    private readonly queries: QueryBus,
    private readonly access: Access,
  ) {}

  @Get()
  async get(@Caller() caller: Principal): Promise<Me> {
    const { id, type, name, authentication } = caller;
    const user = type === 'user' ? await this.queries.execute(new GetUser(id)) : undefined;
    const { displayName, email, active } = user ?? { displayName: name, email: null, active: true };
    const question = { subject: subjectOf(caller), resource: INSTALLATION, permission: 'administrate' };
    const systemAdmin = await this.access.allows(question);
    return { id, type, displayName, email, active, systemAdmin, authentication };
  }

  @Patch()
  change(
    @HttpCall() call: Call,
    @Caller() caller: Principal,
    @Body() body: ProfileBody,
  ): Promise<Answer<UserResource>> {
    const input = { userId: callingUser(caller), ...profileChange(body), ifRevision: call.ifRevision };
    return this.edge.run(call, (context) => new ChangeProfile(context, input));
  }
}
