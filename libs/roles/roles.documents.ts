import { ApiProperty } from '@nestjs/swagger';
import { INSTANT, NULLABLE, REVISION } from '../edge/index.js';
import { ULID_PATTERN } from '../platform/index.js';
import { BUILT_IN_NAMES, type ListedRole, type RoleTarget } from './role-resource.js';
import { WRITTEN_PERMISSIONS, type WrittenPermissions } from './written-permissions.js';

const ROLE_TARGETS: readonly RoleTarget[] = ['tenant', 'workspace'];
/** A built-in role by its name, one of the tenant by its id. */
export const ROLE_ID = { type: String, pattern: `^(?:${BUILT_IN_NAMES.join('|')})$|${ULID_PATTERN}` };

export class RoleDocument implements ListedRole {
  @ApiProperty({ ...ROLE_ID, description: 'of a built-in role its name' })
  id!: string;

  @ApiProperty()
  name!: string;

  @ApiProperty({ type: String, ...NULLABLE })
  description!: string | null;

  @ApiProperty({ description: 'built-in roles cannot be changed' })
  builtIn!: boolean;

  @ApiProperty({ description: 'whether members of the tenant may ask for it, for a built-in role on any target' })
  requestable!: boolean;

  @ApiProperty({ enum: ROLE_TARGETS, isArray: true, description: 'what it can be held on' })
  targets!: RoleTarget[];

  @ApiProperty({
    ...WRITTEN_PERMISSIONS,
    description:
      '`resource:action`, as they were written, in a list or grouped; those of `admin` are held by the admins of the tenant',
  })
  permissions!: WrittenPermissions;

  @ApiProperty({ ...INSTANT, ...NULLABLE, description: 'null for a built-in role' })
  createdAt!: string | null;

  @ApiProperty({ ...INSTANT, ...NULLABLE })
  updatedAt!: string | null;

  @ApiProperty(REVISION)
  revision!: number;
}
