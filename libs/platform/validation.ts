import type { ArgumentMetadata, PipeTransform, Type } from '@nestjs/common';
import { plainToInstance } from 'class-transformer';
import { validate } from 'class-validator';
import type { ValidationError } from 'class-validator';
import { isNameOfEveryObject } from './json-limits.js';
import type { FieldError } from './problems.js';
import { Refused } from './refusal.js';

const MOST_ERRORS_SHOWN = 20;
const LONGEST_PATH_SHOWN = 200;
const NOT_DTOS: readonly unknown[] = [Object, String, Number, Boolean, Array, Date, Buffer];

/** Nothing outside of the class is read: 422 for a body, 400 for a query. */
export class InputPipe implements PipeTransform<unknown, unknown> {
  async transform(value: unknown, { type, metatype, data }: ArgumentMetadata): Promise<unknown> {
    if (metatype === undefined || NOT_DTOS.includes(metatype) || data !== undefined) return value;
    if (type === 'body') return checked(metatype, asObject(value ?? {}, value === null), 'invalid');
    if (type === 'query') return checked(metatype, givenOnce(value as QueryValues), 'malformed-query');
    return value;
  }
}

type QueryValues = { [name: string]: string | string[] };

function asObject(body: unknown, isNull: boolean): object {
  if (isNull || typeof body !== 'object' || body === null || Array.isArray(body))
    throw new Refused('invalid', 'the body must be a JSON object');
  return body;
}

/** As an ordinary object: names that class-transformer would pass over are refused here. */
function givenOnce(query: QueryValues): { [name: string]: string } {
  return Object.fromEntries(
    Object.entries(query).map(([name, value]) => {
      if (typeof value !== 'string') throw queryRefusal(name, 'is given more than once');
      if (isNameOfEveryObject(name)) throw queryRefusal(name, UNKNOWN);
      return [name, value];
    }),
  );
}

const UNKNOWN = 'is not known here';

export function queryRefusal(name: string, reason: string): Refused {
  const field = name.slice(0, LONGEST_PATH_SHOWN);
  return new Refused('malformed-query', `${field} ${reason}`, { field });
}

async function checked(dto: Type<unknown>, value: object, code: string): Promise<unknown> {
  const instance = plainToInstance(dto, value) as object;
  const faults = await validate(instance, {
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: false,
    stopAtFirstError: true,
    validationError: { target: false, value: false },
  });
  if (faults.length === 0) return instance;
  const errors = faults.flatMap((fault) => fieldErrors(fault, '')).slice(0, MOST_ERRORS_SHOWN);
  const { field, message } = errors[0]!;
  throw new Refused(code, message, { field, errors });
}

function fieldErrors({ property, constraints = {}, children = [] }: ValidationError, parent: string): FieldError[] {
  const path = parent === '' ? property : `${parent}.${property}`;
  const field = path.slice(0, LONGEST_PATH_SHOWN);
  const own = Object.entries(constraints).map(([name, message]) => ({
    field,
    message: name === 'whitelistValidation' ? `${field} ${UNKNOWN}` : `${parent && `${parent}.`}${message}`,
  }));
  return [...own, ...children.flatMap((child) => fieldErrors(child, path))];
}
