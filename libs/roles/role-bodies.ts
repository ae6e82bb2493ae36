import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsBoolean, IsIn } from 'class-validator';
import { IsFreeText, IsName, Nullable, Omittable } from '../platform/index.js';
import { PageQuery } from '../edge/index.js';
import { SPELLINGS } from './catalogue.js';

export const ROLE_NAME_LENGTH = 64;
const DESCRIPTION_LENGTH = 500;
const KNOWN = 'each of permissions must be a resource:action of the catalogue';

function IsPermissions(): PropertyDecorator {
  return applyDecorators(
    IsArray({ message: 'permissions must be a list' }),
    ArrayMinSize(1, { message: 'permissions must not be empty' }),
    ArrayMaxSize(SPELLINGS.length, { message: `permissions must have at most ${SPELLINGS.length} items` }),
    IsIn(SPELLINGS, { each: true, message: KNOWN }),
    ApiProperty({
      enum: SPELLINGS,
      isArray: true,
      minItems: 1,
      maxItems: SPELLINGS.length,
      description: '`resource:action`, the resource in camelCase or snake_case; answered as written',
    }),
  );
}

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

  @IsPermissions()
  permissions!: string[];
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
  @IsPermissions()
  permissions?: string[];
}
