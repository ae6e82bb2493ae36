import { ApiProperty } from '@nestjs/swagger';
import { IsBoolean, IsIn } from 'class-validator';
import { IsFreeText, IsName, Nullable, Omittable } from '../platform/index.js';
import { PageQuery } from '../edge/index.js';
import { IsWrittenPermissions, type WrittenPermissions } from './written-permissions.js';

export const ROLE_NAME_LENGTH = 64;
const DESCRIPTION_LENGTH = 500;

export class CreateRoleBody {
  @IsName(ROLE_NAME_LENGTH)
  name!: string;

  @Nullable()
  @IsFreeText(DESCRIPTION_LENGTH)
  description?: string | null;

  @Omittable()
  @IsBoolean()
  @ApiProperty({ type: Boolean, default: false, description: 'whether members of the tenant may ask for it' })
  requestable?: boolean;

  @IsWrittenPermissions()
  permissions!: WrittenPermissions;
}

export class ListRolesQuery extends PageQuery {
  @Omittable()
  @IsIn(['true'])
  @ApiProperty({ enum: ['true'], description: 'only roles that members of the tenant may ask for' })
  requestable?: 'true';
}

export class ChangeRoleBody {
  @Omittable()
  @IsName(ROLE_NAME_LENGTH)
  name?: string;

  @Nullable()
  @IsFreeText(DESCRIPTION_LENGTH)
  description?: string | null;

  @Omittable()
  @IsBoolean()
  @ApiProperty({ type: Boolean, description: 'whether members of the tenant may ask for it' })
  requestable?: boolean;

  @Omittable()
  @IsWrittenPermissions()
  permissions?: WrittenPermissions;
}
