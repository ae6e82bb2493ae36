import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import {
  ApiExtraModels,
  ApiOkResponse,
  ApiOperation,
  ApiProperty,
  ApiPropertyOptional,
  ApiTags,
  getSchemaPath,
} from '@nestjs/swagger';
import { ArrayMinSize, IsDefined, IsString, Length, ValidateIf } from 'class-validator';
import { Caller, type Principal, Problems, ProvenMeanwhile, SubjectBody, subjectOf } from '../edge/index.js';
import { IsNested, IsNestedList, Omittable, Refused } from '../platform/index.js';
import { CheckPermissions, type PermissionQuestion } from './check-permissions.js';

const NAME_LENGTH = 128;
const MOST_CHECKS = 100;
const PERMISSION = 'built in, such as `view`, or one of the catalogue of roles: `apps:read`';

class CheckedResource {
  @ApiProperty({ example: 'workspace', minLength: 1, maxLength: NAME_LENGTH })
  @IsString()
  @Length(1, NAME_LENGTH)
  type!: string;

  @ApiProperty({
    minLength: 1,
    maxLength: NAME_LENGTH,
    example: '01M7YSVDCC1E8W2TS1BHPB9V2X',
    description: 'the id that an earlier answer gave; `installation` for the type `system`',
  })
  @IsString()
  @Length(1, NAME_LENGTH)
  id!: string;
}

class PermissionCheck {
  @IsDefined()
  @IsNested(() => CheckedResource)
  resource!: CheckedResource;

  @ApiProperty({ example: 'view', minLength: 1, maxLength: NAME_LENGTH, description: PERMISSION })
  @IsString()
  @Length(1, NAME_LENGTH)
  permission!: string;

  @Omittable()
  @IsNested(() => SubjectBody)
  @ApiPropertyOptional({ description: 'the caller unless given' })
  subject?: SubjectBody;
}

/** Either one check, or a list of them. */
class PermissionChecks {
  @Omittable()
  @IsNestedList(() => PermissionCheck, MOST_CHECKS)
  @ArrayMinSize(1)
  @ApiPropertyOptional({ minItems: 1, maxItems: MOST_CHECKS })
  checks?: PermissionCheck[];

  @ValidateIf(isSingle)
  @IsNested(() => CheckedResource)
  @ApiPropertyOptional({ example: { type: 'workspace', id: '01M7YSVDCC1E8W2TS1BHPB9V2X' } })
  resource?: CheckedResource;

  @ValidateIf(isSingle)
  @IsString()
  @Length(1, NAME_LENGTH)
  @ApiPropertyOptional({ example: 'view', minLength: 1, maxLength: NAME_LENGTH, description: PERMISSION })
  permission?: string;

  @Omittable()
  @IsNested(() => SubjectBody)
  @ApiPropertyOptional({ description: 'the caller unless given' })
  subject?: SubjectBody;
}

function isSingle({ checks }: PermissionChecks): boolean {
  return checks === undefined;
}

class PermissionAnswer {
  @ApiProperty()
  allowed!: boolean;
}
class PermissionAnswers {
  @ApiProperty({ type: PermissionAnswer, isArray: true, description: 'one for each of the checks, in their order' })
  results!: PermissionAnswer[];
}

@ApiTags('permissions')
@ApiExtraModels(PermissionAnswer, PermissionAnswers)
@Controller('v1/permissions')
export class PermissionsController {
  constructor(private readonly queries: QueryBus) {}

  @Post('check')
  @ApiOperation({
    summary: 'Check permissions',
    description:
      'One question, or up to 100 in `checks`. Of oneself anybody may ask; of others the admins of the tenant, and checkers. What is missing, foreign or unknown is denied.',
  })
  @HttpCode(200)
  @ProvenMeanwhile()
  @ApiOkResponse({
    schema: { oneOf: [{ $ref: getSchemaPath(PermissionAnswer) }, { $ref: getSchemaPath(PermissionAnswers) }] },
  })
  @Problems('forbidden')
  async check(
    @Caller() caller: Principal,
    @Body() body: PermissionChecks,
  ): Promise<PermissionAnswer | PermissionAnswers> {
    const { checks, ...single } = body;
    const asker = subjectOf(caller);
    if (!checks) {
      const question = questionOf(single as PermissionCheck, asker, '');
      const [allowed] = await this.queries.execute(new CheckPermissions(asker, [question]));
      return { allowed: allowed! };
    }
    for (const field of ['resource', 'permission', 'subject'] as const) {
      if (single[field] !== undefined) throw new Refused('invalid', `${field} does not go with checks`, { field });
    }
    const questions = checks.map((check, index) => questionOf(check, asker, `checks.${index}.`));
    const answers = await this.queries.execute(new CheckPermissions(asker, questions));
    return { results: answers.map((allowed) => ({ allowed })) };
  }
}

function questionOf(
  { resource, permission, subject }: PermissionCheck,
  asker: string,
  path: string,
): PermissionQuestion {
  const { type, id } = resource;
  return { resource: { type, id }, permission, subject: subject ? subjectOf(subject) : asker, path };
}
