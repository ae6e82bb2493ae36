import { Body, Controller, HttpCode, Post, Req } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { IsString, MaxLength } from 'class-validator';
import type { FastifyRequest } from 'fastify';
import { AnswersWith, ConsistencyTokens, ForAnyKey, header } from '../edge/index.js';
import { Omittable, Refused } from '../platform/index.js';
import { Progress } from '../projections/index.js';

class ConsistencyBody {
  @Omittable()
  @IsString()
  @MaxLength(2_000)
  @ApiPropertyOptional({ maxLength: 2_000, description: 'a Consistency-Token; that of the header unless given' })
  token?: string;
}

class ConsistencyAnswer {
  @ApiProperty({
    type: String,
    nullable: true,
    description: 'for at_least_as_fresh of SpiceDB’s API; null as long as no relationship was ever written',
  })
  zedToken!: string | null;
}

/** For services that ask SpiceDB themselves. */
@ApiTags('permissions')
@Controller('v1/consistency')
export class ConsistencyController {
  constructor(
    private readonly tokens: ConsistencyTokens,
    private readonly progress: Progress,
  ) {}

  @Post()
  @ApiOperation({
    summary: 'Exchange a consistency token for a ZedToken',
    description:
      'For services that ask SpiceDB themselves: at the ZedToken SpiceDB shows what the Consistency-Token stands for.',
  })
  @ForAnyKey()
  @HttpCode(200)
  @AnswersWith(ConsistencyAnswer)
  async exchange(@Body() { token }: ConsistencyBody, @Req() request: FastifyRequest): Promise<ConsistencyAnswer> {
    // The header's has been waited for already, as for every call.
    if (token !== undefined) await this.tokens.await(token, 'delivered');
    else if (header(request, 'consistency-token') === undefined)
      throw new Refused('invalid', 'token is needed', { field: 'token' });
    this.progress.requireSound();
    return { zedToken: this.progress.zedToken };
  }
}
