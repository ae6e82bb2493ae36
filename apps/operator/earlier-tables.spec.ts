import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectPath } from '../../libs/embedded/index.js';
import { migrate, migrationNames } from '../../libs/platform/migrations.js';
import { createTestDatabase } from '../../libs/testing/index.js';
import { OperatorWorld } from './operator.fixture.js';

let world: OperatorWorld;
beforeAll(async () => {
  world = await OperatorWorld.start();
});
afterAll(() => world.stop());

const NOT_MIGRATED = /^The tables are not of this version: .*not applied\. Run: operator migrate\n$/;

it.each([
  ['verify'],
  ['repair'],
  ['rebuild'],
  ['replay', 'all'],
  ['rotate-keys'],
  ['export-audit'],
  ['erase', '01JQ0000000000000000000A01', '--yes'],
  ['bootstrap-admin', '--issuer', 'i', '--subject', 's'],
  ['import', 'no-file'],
])('%s asks for migrate where there are no tables, and for nothing else', async (...args) => {
  expect(await world.operator(...args)).toEqual({ code: 2, out: '', errors: expect.stringMatching(NOT_MIGRATED) });
});

it('tables of any earlier version are not taken for those of this one, and keep no migration from running', async () => {
  const database = await createTestDatabase({ empty: true });
  const earlier = await mkdtemp(join(tmpdir(), 'countersign-migrations-'));
  const [last, ...before] = (await migrationNames(projectPath('migrations'))).reverse();
  for (const name of before.reverse()) {
    await copyFile(projectPath(`migrations/${name}.sql`), join(earlier, `${name}.sql`));
    await migrate(database.url, earlier);
    const ran = await world.run(['parked', 'list'], { DATABASE_URL: database.url });
    expect({ name, ...ran }).toMatchObject({ name, code: 2, errors: expect.stringMatching(NOT_MIGRATED) });
  }
  const status = await world.run(['status'], { DATABASE_URL: database.url });
  expect(status).toMatchObject({ code: 1, out: expect.stringContaining(`${last} is not applied; run: operator`) });
  expect(status.out).toContain('lacks schema.zed, its mark at none; run: operator migrate');
  const migrated = await world.run(['migrate', '--json'], { DATABASE_URL: database.url });
  expect(JSON.parse(migrated.out)).toMatchObject({ applied: [last] });
  await world.spicedb.writeSchema('definition other/thing {}');
  for (const command of ['repair', 'rebuild']) {
    const asked = await world.run([command], { DATABASE_URL: database.url });
    expect(asked).toMatchObject({ code: 2, errors: expect.stringMatching(/schema.*Run: operator migrate\n$/) });
  }
  await rm(earlier, { recursive: true });
  await database.drop();
});
