import { Param } from '@nestjs/common';
import type { ArgumentMetadata, PipeTransform } from '@nestjs/common';
import { ApiParam } from '@nestjs/swagger';
import { normaliseUlid } from './ids.js';
import { Refused } from './refusal.js';
import { ULID_PATTERN } from './validators.js';

class UlidPipe implements PipeTransform<unknown, string> {
  transform(value: unknown, { data = 'id' }: ArgumentMetadata): string {
    const ulid = normaliseUlid(value);
    if (ulid === undefined) throw new Refused('malformed-id', `${data} is not a ULID`, { field: data });
    return ulid;
  }
}

/** A path parameter that is a ULID in either case; the handler gets it in upper case. */
export function UlidParam(name: string): ParameterDecorator {
  return (target, key, index) => {
    Param(name, new UlidPipe())(target, key, index);
    const method = key === undefined ? undefined : Object.getOwnPropertyDescriptor(target, key);
    const description = `id of the ${name.replace(/Id$/, '').replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)}`;
    const schema = { type: 'string', pattern: ULID_PATTERN };
    if (method) ApiParam({ name, description, schema })(target, key!, method);
  };
}
