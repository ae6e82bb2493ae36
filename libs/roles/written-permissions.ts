import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { ValidateBy, type ValidationArguments } from 'class-validator';
import { permissionOf, readPermissions, type Spelled, SPELLINGS, writePermissions } from './catalogue.js';

type Actions = Record<string, string[]>;
/** Resource → actions, in two groups; both are there, and either may be empty. */
export type GroupedPermissions =
  { permissions: Actions; appPermissions: Actions } | { permissions: Actions; app_permissions: Actions };
/** How a client may write the permissions of a role, and finds them answered. */
export type WrittenPermissions = string[] | GroupedPermissions;

const APP_GROUPS: readonly string[] = ['appPermissions', 'app_permissions'];
const MOST_SHOWN = 64;
const MOST_ACTIONS = 10;
const actionsOf = new Map<string, string[]>();
for (const spelling of SPELLINGS) {
  const [resource, action] = spelling.split(':') as [string, string];
  actionsOf.set(resource, [...(actionsOf.get(resource) ?? []), action]);
}

/** What of it was grouped keeps its group in `spelledAs`, and the name of the second group under `form`. */
export function readWritten(written: WrittenPermissions): Spelled {
  if (Array.isArray(written)) return readPermissions(written);
  const found = new Map<string, string>();
  for (const [group, resources] of Object.entries(written)) {
    for (const [resource, actions] of Object.entries(resources as Actions)) {
      for (const action of actions) {
        const permission = permissionOf(`${resource}:${action}`)!;
        if (!found.has(permission)) found.set(permission, `${group}/${resource}:${action}`);
      }
    }
  }
  const form = Object.keys(written).find((group) => APP_GROUPS.includes(group))!;
  return { permissions: [...found.keys()], spelledAs: { form, ...Object.fromEntries(found) } };
}

/** The permissions as the client wrote them. */
export function writeWritten(role: {
  permissions: readonly string[];
  spelledAs: Readonly<Record<string, string>>;
}): WrittenPermissions {
  const { form, ...spelledAs } = role.spelledAs;
  if (form === undefined) return writePermissions(role);
  const groups: Record<string, Actions> = { permissions: {}, [form]: {} };
  for (const permission of role.permissions) {
    const [group, spelling] = (spelledAs[permission] ?? `permissions/${permission}`).split('/') as [string, string];
    const [resource, action] = spelling.split(':') as [string, string];
    ((groups[group] ??= {})[resource] ??= []).push(action);
  }
  return groups as GroupedPermissions;
}

/** Names of the permissions that are written in a form of their own. */
export function spelledIn(...all: (Readonly<Record<string, string>> | undefined)[]): string[] {
  const names = all.flatMap((spelledAs) => Object.keys(spelledAs ?? {}));
  return [...new Set(names)].filter((name) => name !== 'form').sort();
}

function faultOf(value: unknown): string | undefined {
  if (Array.isArray(value)) return faultOfList(value);
  if (typeof value !== 'object' || value === null) {
    return 'permissions must be a list, or an object with permissions and appPermissions';
  }
  const groups = Object.entries(value);
  const unknown = groups.find(([name]) => name !== 'permissions' && !APP_GROUPS.includes(name));
  if (unknown) return `permissions has no ${unknown[0].slice(0, MOST_SHOWN)}`;
  if (groups.length !== 2 || !('permissions' in value)) return 'permissions needs both permissions and appPermissions';
  const fault = groups.map(([name, group]) => faultOfGroup(name, group)).find((text) => text !== undefined);
  if (fault !== undefined) return fault;
  return groups.every(([, group]) => Object.keys(group as object).length === 0)
    ? 'permissions must not be empty'
    : undefined;
}

function faultOfList(value: readonly unknown[]): string | undefined {
  if (value.length === 0) return 'permissions must not be empty';
  if (value.length > SPELLINGS.length) return `permissions must have at most ${SPELLINGS.length} items`;
  const unknown = value.findIndex((item) => typeof item !== 'string' || permissionOf(item) === undefined);
  if (unknown < 0) return undefined;
  return `permissions.${unknown} is no resource:action of the catalogue, all of which the built-in role admin lists`;
}

function faultOfGroup(name: string, group: unknown): string | undefined {
  if (typeof group !== 'object' || group === null || Array.isArray(group))
    return `permissions.${name} must be an object`;
  for (const [resource, actions] of Object.entries(group as Record<string, unknown>)) {
    const path = `permissions.${name}.${resource.slice(0, MOST_SHOWN)}`;
    const known = actionsOf.get(resource);
    if (!known) return `${path} is no resource of the catalogue`;
    if (!Array.isArray(actions) || actions.length === 0 || actions.length > MOST_ACTIONS) {
      return `${path} must be a list of 1 to ${MOST_ACTIONS} actions`;
    }
    if (!actions.every((action) => known.includes(action as string))) return `${path} may have ${known.join(', ')}`;
  }
  return undefined;
}

const GROUP = {
  type: 'object',
  properties: Object.fromEntries(
    [...actionsOf].map(([resource, actions]) => {
      const items = { type: 'string', enum: actions };
      return [resource, { type: 'array', minItems: 1, maxItems: MOST_ACTIONS, items }];
    }),
  ),
  additionalProperties: false,
};
const grouped = (apps: string) => ({
  type: 'object',
  required: ['permissions', apps],
  properties: { permissions: GROUP, [apps]: GROUP },
  additionalProperties: false,
});
const LIST = { type: 'array', maxItems: SPELLINGS.length, items: { type: 'string', enum: [...SPELLINGS] } };
const GROUPED = APP_GROUPS.map(grouped);

/** Documents both forms in answers; built-in roles may have none. */
export const WRITTEN_PERMISSIONS = { anyOf: [LIST, ...GROUPED] };

export function IsWrittenPermissions(): PropertyDecorator {
  return applyDecorators(
    ValidateBy({
      name: 'isWrittenPermissions',
      validator: {
        validate: (value: unknown) => faultOf(value) === undefined,
        defaultMessage: (about?: ValidationArguments) => faultOf(about?.value) ?? '',
      },
    }),
    ApiProperty({
      anyOf: [{ ...LIST, minItems: 1 }, ...GROUPED],
      description:
        '`resource:action` of the catalogue, as a list or grouped; resources in camelCase or snake_case; answered as written',
    }),
  );
}
