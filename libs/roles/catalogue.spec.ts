import { readFile } from 'node:fs/promises';
import { projectPath } from '../embedded/index.js';
import {
  PERMISSIONS,
  permissionOf,
  readPermissions,
  RELATIONS,
  relationOf,
  SPELLINGS,
  writePermissions,
} from './catalogue.js';
import { withCatalogue } from './catalogue-schema.js';

it('the schema has what the catalogue says, permission by permission', async () => {
  const schema = await readFile(projectPath('schema.zed'), 'utf8');
  expect(withCatalogue(schema)).toBe(schema);
  for (const relation of RELATIONS) {
    expect(schema).toContain(`\trelation ${relation}: user:* | service_account:*\n`);
    expect(schema).toContain(`\tpermission ${relation} = subject & role->${relation}\n`);
    expect(schema).toContain(`\tpermission ${relation} = admin + binding->${relation}\n`);
    expect(schema).toContain(`\tpermission ${relation} = binding->${relation} + tenant->${relation}\n`);
  }
});

it('a permission that is only in the schema, or only in the catalogue, is a difference', async () => {
  const schema = await readFile(projectPath('schema.zed'), 'utf8');
  const line = `\trelation ${RELATIONS[0]}: user:* | service_account:*\n`;
  expect(withCatalogue(schema.replace(line, ''))).toBe(schema);
  expect(withCatalogue(schema.replace(line, line + line.replace('_', '_x_')))).toBe(schema);
});

it('no two permissions have one name in SpiceDB, and all of a role fit into one event', () => {
  expect(new Set(RELATIONS).size).toBe(PERMISSIONS.length);
  expect(PERMISSIONS.length * 2 * 2).toBeLessThanOrEqual(900);
});

it('resources are read in camelCase and snake_case, and written as they came', () => {
  expect(permissionOf('service_accounts:create')).toBe('serviceAccounts:create');
  expect(relationOf('serviceAccounts:create')).toBe('service_accounts_create');
  expect(relationOf('service_accounts:create')).toBe('service_accounts_create');
  const spelled = readPermissions(['tags:read', 'service_accounts:create', 'serviceAccounts:create', 'apps:read']);
  expect(spelled).toEqual({
    permissions: ['tags:read', 'serviceAccounts:create', 'apps:read'],
    spelledAs: { 'serviceAccounts:create': 'service_accounts:create' },
  });
  expect(writePermissions(spelled)).toEqual(['tags:read', 'service_accounts:create', 'apps:read']);
});

it.each(['apps', 'apps:', ':read', 'apps:fly', 'Apps:read', 'ships:read', 'constructor:read', 'apps:read ', ''])(
  '%j is no permission',
  (text) => {
    expect(permissionOf(text)).toBeUndefined();
    expect(relationOf(text)).toBeUndefined();
    expect(SPELLINGS).not.toContain(text);
  },
);
