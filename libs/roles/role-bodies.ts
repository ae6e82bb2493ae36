import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { IsBoolean, ValidateBy } from 'class-validator';
import { IsFreeText, IsName, IsTrueOrFalse, normaliseUlid, Nullable, Omittable } from '../platform/index.js';
import { PageQuery } from '../edge/index.js';
import { IsWrittenPermissions, type WrittenPermissions } from './written-permissions.js';

export const ROLE_NAME_LENGTH = 64;
const DESCRIPTION_LENGTH = 500;

/** Calls name a role by its id or its name: a name that is the id of another would be taken for that one. */
function IsRoleName(): PropertyDecorator {
  return applyDecorators(
    IsName(ROLE_NAME_LENGTH),
    ValidateBy({
      name: 'isRoleName',
      validator: {
        validate: (value: unknown) => typeof value !== 'string' || normaliseUlid(value) === undefined,
        defaultMessage: () => 'name must not be an id',
      },
    }),
  );
}

export class CreateRoleBody {
  @IsRoleName()
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
  @IsTrueOrFalse()
  @ApiProperty({ description: 'whether members of the tenant may ask for it' })
  requestable?: boolean;
}

export class ChangeRoleBody {
  @Omittable()
  @IsRoleName()
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
