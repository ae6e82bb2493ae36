import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsBoolean, IsIn, Matches } from 'class-validator';
import { type Target, TARGET_TYPES, TargetBody } from '../assignments/index.js';
import { PageQuery } from '../edge/index.js';
import {
  IsFreeText,
  IsIsoInstant,
  IsNested,
  IsUlid,
  normaliseUlid,
  Nullable,
  Omittable,
  ULID_PATTERN,
} from '../platform/index.js';
import { IsRoleReference } from '../roles/index.js';
import type { Verdict } from './approval.decider.js';
import { ME } from './list-requests.js';
import type { RequestStatus } from './request.decider.js';
import { KINDS, STATUSES } from './request-documents.js';

const TEXT_LENGTH = 2_000;
const VERDICTS: readonly Verdict[] = ['approved', 'rejected'];

export class SubmitRequestBody {
  @ApiProperty({ enum: KINDS })
  @IsIn(KINDS)
  kind!: 'role';

  @IsRoleReference()
  role!: string;

  @IsNested(() => TargetBody)
  target!: TargetBody;

  @Nullable()
  @IsIsoInstant()
  @ApiProperty({ description: 'when the grant is to end, in the future; no end where absent' })
  until?: string | null;

  @Nullable()
  @IsFreeText(TEXT_LENGTH)
  reason?: string | null;

  @Omittable()
  @IsBoolean()
  @ApiProperty({ type: Boolean, default: false, description: 'takes the place of an open request for the same role' })
  supersede?: boolean;
}

export class DecisionBody {
  @ApiProperty({ enum: VERDICTS })
  @IsIn(VERDICTS)
  decision!: Verdict;

  @Nullable()
  @IsFreeText(TEXT_LENGTH)
  note?: string | null;
}

export class RevocationBody {
  @Nullable()
  @IsFreeText(TEXT_LENGTH)
  note?: string | null;
}

/** A withdrawal says nothing more. */
export class WithdrawalBody {}

export class ListRequestsQuery extends PageQuery {
  @Omittable()
  @IsIn(KINDS)
  @ApiProperty({ enum: KINDS, description: 'only those of the kind' })
  kind?: 'role';

  @Omittable()
  @IsIn(STATUSES)
  @ApiProperty({ enum: STATUSES, description: 'only those that have become this' })
  status?: RequestStatus;

  @Omittable()
  @IsRoleReference()
  @ApiProperty({ description: 'only those for the role' })
  role?: string;

  @Omittable()
  @IsIn(TARGET_TYPES)
  @ApiProperty({ enum: TARGET_TYPES, description: 'only those for targets of the type' })
  targetType?: Target['type'];

  @Omittable()
  @IsUlid()
  @ApiProperty({ description: 'only those for a tenant or workspace' })
  targetId?: string;

  @Omittable()
  @Transform(({ value }: { value: unknown }) => normaliseUlid(value) ?? value)
  @Matches(/^(?:@me|[0-7][0-9A-HJKMNP-TV-Z]{25})$/, { message: 'requester must be an id of 26 characters, or @me' })
  @ApiProperty({
    type: String,
    pattern: `^@me$|${ULID_PATTERN}`,
    description: 'the id of a user or service account, or `@me` for the caller',
  })
  requester?: string;

  @Omittable()
  @IsIn([ME])
  @ApiProperty({ enum: [ME], description: 'only what is pending and the caller may decide' })
  decidable?: typeof ME;
}
