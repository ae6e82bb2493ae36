import { applyDecorators } from '@nestjs/common';
import type { Type } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { Transform, Type as TypeOf } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsBoolean, IsObject, ValidateBy, ValidateIf, ValidateNested } from 'class-validator';
import type { ValidationArguments } from 'class-validator';
import { isUlid } from './ids.js';
import { instantOf } from './instant.js';
import { codePoints, hasVisibleCharacter, isWellFormed, normaliseFreeText, normaliseLine } from './text.js';

export interface EachOption {
  /** The field is a list, and the rule holds for each of its items. */
  each?: boolean;
}

interface TextRule extends EachOption {
  name: string;
  /** Completes "<field> must be …". */
  described: string;
  transform: (text: string) => string;
  accepts: (text: string) => boolean;
  documented: { [keyword: string]: unknown };
}

export const ULID_PATTERN = '^[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}$';

function textRule({ name, described, transform, accepts, documented, each = false }: TextRule): PropertyDecorator {
  const transformItem = (item: unknown): unknown => (typeof item === 'string' ? transform(item) : item);
  const items = { type: String, ...documented };
  return applyDecorators(
    Transform(({ value }: { value: unknown }) =>
      each && Array.isArray(value) ? value.map(transformItem) : transformItem(value),
    ),
    ...(each ? [IsArray({ message: '$property must be a list' })] : []),
    ValidateBy(
      {
        name,
        validator: {
          validate: (value: unknown) => typeof value === 'string' && accepts(value),
          defaultMessage: (about?: ValidationArguments) =>
            `${each ? 'each of ' : ''}${about?.property ?? 'it'} must be ${described}`,
        },
      },
      { each },
    ),
    ApiProperty(each ? { ...items, isArray: true } : items),
  );
}

/** The id of something, in either case; the handler gets it in upper case. */
export function IsUlid(option: EachOption = {}): PropertyDecorator {
  return textRule({
    name: 'isUlid',
    described: 'an id of 26 characters',
    transform: (text) => (isUlid(text) ? text.toUpperCase() : text),
    accepts: isUlid,
    documented: { pattern: ULID_PATTERN },
    ...option,
  });
}

/** One line of 1 to `max` characters, of which something is visible; control characters are taken out first. */
export function IsName(max: number, option: EachOption = {}): PropertyDecorator {
  return textRule({
    name: 'isName',
    described: `text of 1 to ${max} characters that isn't blank`,
    transform: normaliseLine,
    accepts: (text) => isWellFormed(text) && hasVisibleCharacter(text) && codePoints(text) <= max,
    documented: { minLength: 1, maxLength: max },
    ...option,
  });
}

/** Text of up to `max` characters, of any number of lines; it may be empty. */
export function IsFreeText(max: number, option: EachOption = {}): PropertyDecorator {
  return textRule({
    name: 'isFreeText',
    described: `text of at most ${max} characters`,
    transform: normaliseFreeText,
    accepts: (text) => isWellFormed(text) && codePoints(text) <= max,
    documented: { maxLength: max },
    ...option,
  });
}

/** ISO 8601 with a zone; the handler gets it in UTC with milliseconds. */
export function IsIsoInstant(option: EachOption = {}): PropertyDecorator {
  return textRule({
    name: 'isIsoInstant',
    described: 'a time in ISO 8601 with a zone, like 2026-01-31T12:00:00Z',
    transform: (text) => instantOf(text) ?? text,
    accepts: (text) => instantOf(text) !== undefined,
    documented: { format: 'date-time' },
    ...option,
  });
}

const WRITTEN_SWITCH = new Map<unknown, boolean>([
  ['true', true],
  ['false', false],
]);

/** `true` or `false` as a query writes it; the handler gets a boolean. */
export function IsTrueOrFalse(): PropertyDecorator {
  return applyDecorators(
    Transform(({ value }: { value: unknown }) => WRITTEN_SWITCH.get(value) ?? value),
    IsBoolean({ message: '$property must be true or false' }),
    ApiProperty({ type: Boolean }),
  );
}

/** One rule, and not three, of which the one that is named first would mislead. */
export function IsWholeNumber(min: number, max: number): PropertyDecorator {
  const message = `$property must be a whole number from ${min} to ${max}`;
  return applyDecorators(
    ValidateBy({
      name: 'isWholeNumber',
      validator: {
        validate: (value: unknown) => Number.isInteger(value) && (value as number) >= min && (value as number) <= max,
        defaultMessage: () => message,
      },
    }),
    ApiProperty({ type: 'integer', minimum: min, maximum: max }),
  );
}

/** The field may be absent; `null` is not absent. */
export function Omittable(): PropertyDecorator {
  return applyDecorators(
    ValidateIf((_, value: unknown) => value !== undefined),
    ApiProperty({ required: false }),
  );
}

/** The field may be absent or `null`. */
export function Nullable(): PropertyDecorator {
  return applyDecorators(
    ValidateIf((_, value: unknown) => value !== undefined && value !== null),
    ApiProperty({ required: false, nullable: true }),
  );
}

/** An object with rules of its own; neither `null` nor a list. */
export function IsNested(dto: () => Type<object>): PropertyDecorator {
  return applyDecorators(
    TypeOf(dto),
    IsObject({ message: '$property must be an object' }),
    ValidateNested(),
    ApiProperty({ type: () => dto() }),
  );
}

/** A list of up to `max` objects with rules of their own. */
export function IsNestedList(dto: () => Type<object>, max: number): PropertyDecorator {
  return applyDecorators(
    TypeOf(dto),
    IsArray({ message: '$property must be a list' }),
    ArrayMaxSize(max, { message: `$property must have at most ${max} items` }),
    IsObject({ each: true, message: 'each of $property must be an object' }),
    ValidateNested({ each: true }),
    ApiProperty({ type: () => dto(), isArray: true }),
  );
}
