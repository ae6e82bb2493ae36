import { readFile } from 'node:fs/promises';
import type { SpiceDb } from '../../libs/authorization/index.js';
import { projectPath } from '../../libs/embedded/index.js';
import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';

let app: TestApp;
let spicedb: SpiceDb;
let tests = 0;

beforeAll(async () => {
  app = await startTestApp();
  ({ spicedb } = app.runtime);
});

afterAll(async () => {
  await app?.stop();
});

beforeEach(() => {
  tests++;
});

/** Names without ids stand for objects of this test: `workspace:C` is `workspace:C7`. */
const own = (text: string): string => text.replace(/:(\w+)/g, `:$1${tests}`);
const write = (...tuples: string[]): Promise<string> =>
  spicedb.write(tuples.map((tuple) => ({ operation: 'touch' as const, tuple: own(tuple), expiresAt: null })));
/** Who of a, b, c and m may do it. */
async function whoMay(permission: string, resource: string): Promise<string[]> {
  const people = ['a', 'b', 'c', 'm'];
  const checks = people.map((person) => ({ resource: own(resource), permission, subject: own(`user:${person}`) }));
  const answers = await spicedb.checkAll(checks, { full: true });
  return people.filter((_, index) => answers[index]);
}

/** Definition → its lines, without comments and in order: SpiceDB reorders the text. */
function meaning(schema: string): Record<string, string[]> {
  const uncommented = schema.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
  const definitions = [...uncommented.matchAll(/definition (\w+)\s*\{([^}]*)\}/g)];
  return Object.fromEntries(
    definitions.map(([, name, body]) => [
      name!,
      body!
        .split('\n')
        .map((line) => {
          const [left, right = ''] = line.trim().split(/\s*[:=]\s*/, 2) as [string, string?];
          const parts = right.replace(/[()]/g, '').split(/\s*[|+]\s*/);
          return right === '' ? '' : `${left}: ${parts.sort().join(' ')}`;
        })
        .filter((line) => line !== '')
        .sort(),
    ]),
  );
}

it('TW-002 the schema that is deployed means what the source says', async () => {
  expect(meaning((await spicedb.readSchema())!)).toEqual(meaning(await readFile(projectPath('schema.zed'), 'utf8')));
});

it('TW-001 has the definitions that the tuples need; a workspace has no owner, and nobody deletes it by a permission', async () => {
  const schema = meaning((await spicedb.readSchema())!);
  expect(Object.keys(schema)).toEqual(
    expect.arrayContaining(['user', 'service_account', 'group', 'workspace', 'tenant', 'api_key']),
  );
  const workspace = schema['workspace']!.join('\n');
  expect(workspace).toContain('relation tenant: tenant');
  expect(schema['workspace']).toContain('relation parent: workspace');
  expect(workspace).not.toMatch(/relation owner|permission delete/);
});

it('TW-003 who owns a key and who administrates its tenant may view and revoke it', async () => {
  await write('tenant:T#admin@user:a', 'api_key:K#tenant@tenant:T', 'api_key:K#owner@user:b');
  expect(await whoMay('view', 'api_key:K')).toEqual(['a', 'b']);
  expect(await whoMay('revoke', 'api_key:K')).toEqual(['a', 'b']);
});

it('TW-005 a workspace is not seen through its parent', async () => {
  await write('workspace:P#admin@user:a', 'workspace:C#parent@workspace:P', 'workspace:C#member@user:b');
  expect(await whoMay('view', 'workspace:C')).toEqual(['b']);
});

it('TW-006 a tenant’s admin views its workspaces, changes their members, and neither edits nor manages them', async () => {
  await write('tenant:T#admin@user:a', 'workspace:W#tenant@tenant:T', 'workspace:W#admin@user:b');
  expect(await whoMay('view', 'workspace:W')).toEqual(['a', 'b']);
  expect(await whoMay('grant', 'workspace:W')).toEqual(['a', 'b']);
  expect(await whoMay('edit', 'workspace:W')).toEqual(['b']);
  expect(await whoMay('manage', 'workspace:W')).toEqual(['b']);
});

it('TW-007 a tenant’s members create below its root, which they do not see, and below nothing else', async () => {
  await write(
    ...['workspace:R#creator_tenant@tenant:T', 'workspace:R#tenant@tenant:T', 'tenant:T#member@user:m'],
    ...['workspace:C#tenant@tenant:T', 'workspace:C#parent@workspace:R'],
  );
  expect(await whoMay('create_child', 'workspace:R')).toEqual(['m']);
  expect(await whoMay('view', 'workspace:R')).toEqual([]);
  expect(await whoMay('create_child', 'workspace:C')).toEqual([]);
});

it('editors edit, members see, and both only that', async () => {
  await write('workspace:W#editor@user:a', 'workspace:W#member@user:b');
  expect(await whoMay('view', 'workspace:W')).toEqual(['a', 'b']);
  expect(await whoMay('edit', 'workspace:W')).toEqual(['a']);
  expect(await whoMay('create_child', 'workspace:W')).toEqual(['a']);
  expect(await whoMay('manage', 'workspace:W')).toEqual([]);
});
