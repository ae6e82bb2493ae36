import { ApiProperty } from '@nestjs/swagger';
import { INSTANT, REVISION, ULID } from '../edge/index.js';
import type { ListedTenant } from './list-tenants.js';
import type { RequestableRole } from './tenant.decider.js';

export const BUILT_IN_ROLES: readonly RequestableRole[] = [
  'tenant:admin',
  'tenant:member',
  'workspace:admin',
  'workspace:editor',
  'workspace:member',
];

export class TenantDocument implements ListedTenant {
  @ApiProperty(ULID)
  id!: string;

  @ApiProperty()
  name!: string;

  @ApiProperty(ULID)
  rootWorkspaceId!: string;

  @ApiProperty({ enum: BUILT_IN_ROLES, isArray: true })
  requestableRoles!: RequestableRole[];

  @ApiProperty(INSTANT)
  createdAt!: string;

  @ApiProperty(INSTANT)
  updatedAt!: string;

  @ApiProperty(REVISION)
  revision!: number;
}

/** All of them: there is no second page. */
export class RequestableRolesDocument {
  @ApiProperty({ enum: BUILT_IN_ROLES, isArray: true })
  items!: RequestableRole[];

  @ApiProperty({ type: 'null' })
  nextCursor!: null;

  @ApiProperty({ ...REVISION, description: 'of the tenant' })
  revision!: number;
}
