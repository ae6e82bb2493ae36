import { ApiProperty } from '@nestjs/swagger';
import { IsIn } from 'class-validator';
import { PageQuery } from '../edge/index.js';
import { IsIsoInstant, IsName, IsTrueOrFalse, Omittable } from '../platform/index.js';

const LONGEST_WORD = 200;
const LONGEST_LIST = 2_000;

export class AuditLogQuery extends PageQuery {
  @Omittable()
  @IsIsoInstant()
  @ApiProperty({ description: 'at this instant or later' })
  from?: string;

  @Omittable()
  @IsIsoInstant()
  @ApiProperty({ description: 'before this instant' })
  to?: string;

  @Omittable()
  @IsName(LONGEST_WORD)
  @ApiProperty({ description: 'of what the entry is about', example: 'workspace' })
  resourceType?: string;

  @Omittable()
  @IsName(LONGEST_WORD)
  @ApiProperty({ description: 'of what the entry is about' })
  resourceId?: string;

  @Omittable()
  @IsTrueOrFalse()
  @ApiProperty({ description: 'with resourceType and resourceId: also what followed from those entries' })
  consequences?: boolean;

  @Omittable()
  @IsName(LONGEST_LIST)
  @ApiProperty({ description: 'one action, or several with commas between them', example: 'tenant.renamed' })
  action?: string;

  @Omittable()
  @IsName(LONGEST_WORD)
  @ApiProperty({ description: 'who acted; of a process its name' })
  actorId?: string;

  @Omittable()
  @IsName(LONGEST_WORD)
  @ApiProperty({ description: 'what all that a call has caused has in common' })
  correlationId?: string;

  @Omittable()
  @IsIn(['asc', 'desc'])
  @ApiProperty({ enum: ['asc', 'desc'], default: 'desc', description: 'the oldest or the latest first' })
  order: 'asc' | 'desc' = 'desc';
}
