import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { ValidateBy, type ValidationArguments } from 'class-validator';
import { isLine, normaliseLine } from '../platform/index.js';
import { ROLE_NAME_LENGTH } from './role-bodies.js';
import { BUILT_IN_NAMES } from './role-resource.js';

/** How a call names a role: a built-in one by its name, one of the tenant by its id or its name. */
export function IsRoleReference(): PropertyDecorator {
  return applyDecorators(
    Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? normaliseLine(value) : value)),
    ValidateBy({
      name: 'isRoleReference',
      validator: {
        validate: (value: unknown) => typeof value === 'string' && isLine(value, ROLE_NAME_LENGTH),
        defaultMessage: (about?: ValidationArguments) =>
          `${about?.property ?? 'it'} must be a built-in role, or the id or name of a role of the tenant`,
      },
    }),
    ApiProperty({
      type: 'string',
      maxLength: ROLE_NAME_LENGTH,
      anyOf: [
        { type: 'string', enum: [...BUILT_IN_NAMES] },
        {
          type: 'string',
          minLength: 1,
          maxLength: ROLE_NAME_LENGTH,
          description: 'the id or the name of a role of the tenant',
        },
      ],
    }),
  );
}
