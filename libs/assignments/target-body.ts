import { ApiProperty } from '@nestjs/swagger';
import { IsIn } from 'class-validator';
import { ULID } from '../edge/index.js';
import { IsUlid } from '../platform/index.js';
import type { Target } from './assignment.decider.js';

export const TARGET_TYPES: readonly Target['type'][] = ['tenant', 'workspace'];

/** What a role is held on. */
export class TargetBody {
  @ApiProperty({ enum: TARGET_TYPES })
  @IsIn(TARGET_TYPES)
  type!: Target['type'];

  @IsUlid()
  id!: string;
}

export class TargetDocument implements Target {
  @ApiProperty({ enum: TARGET_TYPES })
  type!: Target['type'];

  @ApiProperty(ULID)
  id!: string;
}
