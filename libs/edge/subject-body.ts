import { ApiProperty } from '@nestjs/swagger';
import { IsIn } from 'class-validator';
import { IsUlid } from '../platform/index.js';
import { ULID } from './documents.js';
import type { Principal } from './principal.js';

const SUBJECT_TYPES: readonly Principal['type'][] = ['user', 'service_account'];

/** Somebody who can hold something. */
export class SubjectBody {
  @ApiProperty({ enum: SUBJECT_TYPES })
  @IsIn(SUBJECT_TYPES)
  type!: Principal['type'];

  @IsUlid()
  id!: string;
}

export class SubjectDocument {
  @ApiProperty({ enum: SUBJECT_TYPES })
  type!: Principal['type'];

  @ApiProperty(ULID)
  id!: string;
}
