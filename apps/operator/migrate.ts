import { readFile } from 'node:fs/promises';
import { compareSchema, SpiceDbRefused, withForeignDefinitions } from '../../libs/authorization/index.js';
import { projectPath } from '../../libs/embedded/index.js';
import { migrate } from '../../libs/platform/index.js';
import { adoptVersions } from '../../libs/projections/index.js';
import { EXIT, print } from './output.js';
import type { OperatorSession } from './session.js';

/** Brings the tables and the schema of SpiceDB to this version. */
export async function runMigrations(session: OperatorSession, json: boolean | undefined): Promise<number> {
  const { pool, config, domain } = session.runtime;
  const applied = await migrate(config.databaseUrl!, projectPath('migrations'));
  await adoptVersions(pool, domain);
  const schema = session.spicedbAtRest ? 'at-next-start' : await writeSchema(session);
  print(json, { applied, schema }, () => {
    const tables = applied.length > 0 ? `Applied ${applied.join(', ')}.` : 'The tables are up to date.';
    if (schema === 'at-next-start') return `${tables} The embedded SpiceDB gets schema.zed at its next start.`;
    return `${tables} schema.zed ${schema === 'written' ? 'is written' : 'was there already'}.`;
  });
  return EXIT.done;
}

async function writeSchema({ runtime: { spicedb } }: OperatorSession): Promise<'written' | 'unchanged'> {
  const ours = await readFile(projectPath('schema.zed'), 'utf8');
  const before = (await spicedb.readSchema()) ?? '';
  if (differences(ours, before).length === 0) return 'unchanged';
  try {
    await spicedb.writeSchema(withForeignDefinitions(ours, before));
  } catch (error) {
    if (!(error instanceof SpiceDbRefused)) throw error;
    throw new Error(
      `SpiceDB refuses schema.zed: ${error.message}. The tables are migrated. What the schema no longer has is still ` +
        'in use: end it with the version that knows it, then run: operator migrate',
      { cause: error },
    );
  }
  const left = differences(ours, (await spicedb.readSchema()) ?? '');
  if (left.length > 0) throw new Error(`SpiceDB took schema.zed, but shows another one: ${left.join('; ')}`);
  return 'written';
}

function differences(ours: string, live: string): string[] {
  const { missing, unexpected } = compareSchema(ours, live);
  return [...missing.map((one) => `missing ${one}`), ...unexpected.map((one) => `unexpected ${one}`)];
}
