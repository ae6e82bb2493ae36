import { applyDecorators } from '@nestjs/common';
import { ApiExtraModels, ApiProperty, ApiResponse, getSchemaPath } from '@nestjs/swagger';
import type { RoleName, Subject, Target } from '../assignments/index.js';
import { problemKind } from '../platform/index.js';
import type { RequestStatus, SubmittedRequest } from './request.decider.js';
import './problems.js';

export const ROLES: readonly RoleName[] = ['admin', 'editor', 'member'];
export const TARGET_TYPES: readonly Target['type'][] = ['tenant', 'workspace'];
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
  'requester-removed',
  'requester-deactivated',
  'revoked',
  'expired',
  'removed',
  'replaced',
  'not-granted',
];
const INSTANT = { type: String, format: 'date-time' };
const NULLABLE = { nullable: true };

class IdentityDocument {
  @ApiProperty({ enum: ['user', 'service_account'] })
  type!: Subject['type'];

  @ApiProperty()
  id!: string;

  @ApiProperty({ type: String, ...NULLABLE, description: 'of today; who is gone keeps the one of then' })
  displayName!: string | null;

  @ApiProperty({ description: 'false for who was deactivated, or is gone' })
  active!: boolean;
}

class TargetDocument {
  @ApiProperty({ enum: TARGET_TYPES })
  type!: Target['type'];

  @ApiProperty()
  id!: string;
}

export class RequestDocument {
  @ApiProperty()
  id!: string;

  @ApiProperty({ enum: KINDS })
  kind!: 'role';

  @ApiProperty()
  tenantId!: string;

  @ApiProperty({ type: IdentityDocument })
  requester!: IdentityDocument;

  @ApiProperty({ enum: ROLES })
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

  @ApiProperty({ type: 'integer', description: 'also in the header ETag, after a command' })
  revision!: number;
}

export class RequestAnswerDocument extends RequestDocument {
  @ApiProperty({ description: 'also in the header Consistency-Token' })
  token!: string;

  @ApiProperty({ description: 'whether the change was live when this was answered' })
  effective!: boolean;
}

export class RequestPageDocument {
  @ApiProperty({ type: RequestDocument, isArray: true })
  items!: RequestDocument[];

  @ApiProperty({ type: String, ...NULLABLE })
  nextCursor!: string | null;
}

class FieldErrorDocument {
  @ApiProperty()
  field!: string;

  @ApiProperty()
  message!: string;
}

class ProblemDocument {
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

  @ApiProperty({ required: false, description: 'the open request, where it is in the way' })
  requestId?: string;

  @ApiProperty({ required: false, enum: STATUSES, description: 'what the request has become' })
  requestStatus?: RequestStatus;
}

const EVERYWHERE = ['malformed-id', 'unauthenticated', 'not-found', 'not-yet', 'dependency-unavailable'];

/** Documents the problems of a route by their codes, next to those that every route of a tenant may answer with. */
export function ApiProblems(...codes: string[]): MethodDecorator {
  const byStatus = new Map<number, string[]>();
  for (const code of [...EVERYWHERE, ...codes]) {
    const { status } = problemKind(code)!;
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  const content = { 'application/problem+json': { schema: { $ref: getSchemaPath(ProblemDocument) } } };
  const answers = [...byStatus].map(([status, listed]) =>
    ApiResponse({ status, description: listed.join(', '), content }),
  );
  return applyDecorators(ApiExtraModels(ProblemDocument), ...answers);
}
