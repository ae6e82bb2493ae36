import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsString, MaxLength } from 'class-validator';
import { IsWholeNumber, Omittable } from './validators.js';

const DEFAULT_LIST_LIMIT = 50;
const LARGEST_LIST_LIMIT = 200;

/** The query of every list; lists with filters extend it. */
export class ListQuery {
  @Transform(({ value }: { value: unknown }) =>
    typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value,
  )
  @IsWholeNumber(1, LARGEST_LIST_LIMIT)
  @ApiProperty({ required: false, default: DEFAULT_LIST_LIMIT, description: 'items of a page' })
  limit: number = DEFAULT_LIST_LIMIT;

  /** `nextCursor` of the page before. */
  @Omittable()
  @IsString()
  @MaxLength(2000)
  @ApiProperty({ type: String, required: false, maxLength: 2000, description: 'nextCursor of the page before' })
  cursor?: string;
}
