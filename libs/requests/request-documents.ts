import { ApiProperty } from '@nestjs/swagger';
import { type RoleName, TargetDocument } from '../assignments/index.js';
import { INSTANT, NULLABLE, REVISION, SubjectDocument, ULID } from '../edge/index.js';
import { ROLE_ID } from '../roles/index.js';
import type { RequestStatus, SubmittedRequest } from './request.decider.js';

export const KINDS = ['role'] as const;
export const STATUSES: readonly RequestStatus[] = [
  'pending',
  'approved',
  'rejected',
  'withdrawn',
  'superseded',
  'closed',
  'revoked',
  'expired',
];
const CLOSE_REASONS: readonly NonNullable<SubmittedRequest['closeReason']>[] = [
  'target-deleted',
  'tenant-deleted',
  'role-deleted',
  'requester-removed',
  'requester-deactivated',
  'revoked',
  'expired',
  'removed',
  'replaced',
  'role-changed',
  'not-granted',
];

class IdentityDocument extends SubjectDocument {
  @ApiProperty({ type: String, ...NULLABLE, description: 'of today; who is gone keeps the one of then' })
  displayName!: string | null;

  @ApiProperty({ description: 'false for who is suspended, was deactivated, or is gone' })
  active!: boolean;
}

export class RequestDocument {
  @ApiProperty(ULID)
  id!: string;

  @ApiProperty({ enum: KINDS })
  kind!: 'role';

  @ApiProperty(ULID)
  tenantId!: string;

  @ApiProperty({ type: IdentityDocument })
  requester!: IdentityDocument;

  @ApiProperty({ ...ROLE_ID, description: 'a built-in role, or the id of one of the tenant' })
  role!: RoleName;

  @ApiProperty({ type: TargetDocument })
  target!: TargetDocument;

  @ApiProperty({ ...INSTANT, ...NULLABLE, description: 'when the grant is to end; null for no end' })
  until!: string | null;

  @ApiProperty({ type: String, ...NULLABLE })
  reason!: string | null;

  @ApiProperty({ enum: STATUSES })
  status!: RequestStatus;

  @ApiProperty({ enum: CLOSE_REASONS, ...NULLABLE, description: 'why it was closed, or why its grant ended' })
  closeReason!: SubmittedRequest['closeReason'];

  @ApiProperty({ type: String, ...NULLABLE })
  revocationNote!: string | null;

  @ApiProperty({ type: String, ...NULLABLE })
  reviewNote!: string | null;

  @ApiProperty({ type: IdentityDocument, ...NULLABLE })
  reviewer!: IdentityDocument | null;

  @ApiProperty({ ...INSTANT, ...NULLABLE })
  reviewedAt!: string | null;

  @ApiProperty(INSTANT)
  createdAt!: string;

  @ApiProperty(INSTANT)
  updatedAt!: string;

  @ApiProperty(REVISION)
  revision!: number;
}
