import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsInt, IsString, Max, MaxLength, Min } from 'class-validator';
import { Omittable } from './validators.js';

const DEFAULT_LIST_LIMIT = 50;
const LARGEST_LIST_LIMIT = 200;

/** The query of every list; lists with filters extend it. */
export class ListQuery {
  @Transform(({ value }: { value: unknown }) =>
    typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value,
  )
  @IsInt({ message: `limit must be a whole number from 1 to ${LARGEST_LIST_LIMIT}` })
  @Min(1, { message: `limit must be a whole number from 1 to ${LARGEST_LIST_LIMIT}` })
  @Max(LARGEST_LIST_LIMIT, { message: `limit must be a whole number from 1 to ${LARGEST_LIST_LIMIT}` })
  @ApiProperty({
    type: 'integer',
    required: false,
    minimum: 1,
    maximum: LARGEST_LIST_LIMIT,
    default: DEFAULT_LIST_LIMIT,
    description: 'items of a page',
  })
  limit: number = DEFAULT_LIST_LIMIT;

  /** `nextCursor` of the page before. */
  @Omittable()
  @IsString()
  @MaxLength(2000)
  @ApiProperty({ type: String, required: false, maxLength: 2000, description: 'nextCursor of the page before' })
  cursor?: string;
}
