import { Body, Controller, Delete, Get, HttpCode, Post, Query as QueryString } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import {
  type Answer,
  AnswersPageOf,
  AnswersWith,
  type Call,
  CommandEdge,
  HonoursIfMatch,
  HttpCall,
  type Page,
  PageQuery,
  Problems,
  Requires,
  SubjectBody,
} from '../edge/index.js';
import { IsNested, UlidParam } from '../platform/index.js';
import { CheckerDocument, ListedCheckerDocument } from './checkers.documents.js';
import { type CheckerResource, EndChecker, GrantChecker } from './checkers.js';
import { type ListedChecker, ListCheckers } from './list-checkers.js';

class GrantCheckerBody {
  @IsNested(() => SubjectBody)
  subject!: SubjectBody;
}

/** Who may ask at `/v1/permissions/check` what others may do, in every tenant. */
@ApiTags('checkers')
@Controller('v1/checkers')
export class CheckersController {
  constructor(
    private readonly edge: CommandEdge,
    private readonly queries: QueryBus,
  ) {}

  @Get()
  @ApiOperation({ summary: 'List checkers' })
  @Requires({ permission: 'administrate', on: 'system' })
  @AnswersPageOf(ListedCheckerDocument)
  list(@QueryString() query: PageQuery): Promise<Page<ListedChecker>> {
    return this.queries.execute(new ListCheckers(query));
  }

  @Post()
  @ApiOperation({
    summary: 'Make somebody a checker',
    description: 'They may ask at `/v1/permissions/check` what others may do, in every tenant.',
  })
  @Requires({ permission: 'administrate', on: 'system', fresh: true })
  @AnswersWith(CheckerDocument)
  @Problems('subject-not-found')
  grant(@HttpCall() call: Call, @Body() { subject }: GrantCheckerBody): Promise<Answer<CheckerResource>> {
    const { type, id } = subject;
    return this.edge.run(call, (context) => new GrantChecker(context, { subject: { type, id } }));
  }

  @Delete(':checkerId')
  @ApiOperation({ summary: 'End a checker', description: '`checkerId` is the id of the user or service account.' })
  @HttpCode(204)
  @Requires({ permission: 'administrate', on: 'system', fresh: true })
  @HonoursIfMatch()
  revoke(@HttpCall() call: Call, @UlidParam('checkerId') subjectId: string): Promise<void> {
    const input = { subjectId, reason: 'revoked' as const, mustHold: true, ifRevision: call.ifRevision };
    return this.edge.runQuietly(call, (context) => new EndChecker(context, input));
  }
}
