import { ApiProperty } from '@nestjs/swagger';
import { ULID_PATTERN } from '../platform/index.js';

/** What the documents of answers have in common. */
export const ULID = { type: String, pattern: ULID_PATTERN };
export const INSTANT = { type: String, format: 'date-time' };
export const NULLABLE = { nullable: true };
export const SECRET = { type: String, nullable: true, description: 'told only once, whole: null in a repeated call' };
export const REVISION = { type: 'integer', minimum: 0 } as const;

class FieldErrorDocument {
  @ApiProperty({ description: 'dot path of the field' })
  field!: string;

  @ApiProperty()
  message!: string;
}

/** RFC 9457. What single codes add to it is declared with them. */
export class ProblemDocument {
  @ApiProperty({ description: 'urn:problem-type:countersign:{code}' })
  type!: string;

  @ApiProperty()
  title!: string;

  @ApiProperty({ type: 'integer' })
  status!: number;

  @ApiProperty({ description: 'stable' })
  code!: string;

  @ApiProperty({ required: false })
  detail?: string;

  @ApiProperty({ description: 'what to do next' })
  next!: string;

  @ApiProperty({ required: false, description: 'the field at fault' })
  field?: string;

  @ApiProperty({ required: false, type: FieldErrorDocument, isArray: true })
  errors?: FieldErrorDocument[];
}
