import { readFile } from 'node:fs/promises';
import { compareSchema } from '../authorization/index.js';
import { projectPath } from '../embedded/index.js';
import { migrationStanding } from '../platform/index.js';
import { UsageError } from './failures.js';
import type { Runtime } from './runtime.module.js';

const NEXT = 'Run: operator migrate';

/**
 * Whether `operator migrate` of this version has been run, or that of a newer one.
 * @returns how SpiceDB's schema differs because of a newer one; empty where it is ours
 * @throws UsageError where it has not been run
 */
export async function requireMigrated({ pool, spicedb }: Pick<Runtime, 'pool' | 'spicedb'>): Promise<string[]> {
  const { pending, unknown } = await migrationStanding(pool, projectPath('migrations'));
  if (pending.length > 0) {
    throw new UsageError(`The tables are not of this version: ${pending.join(', ')} not applied. ${NEXT}`);
  }
  const [ours, live] = await Promise.all([readFile(projectPath('schema.zed'), 'utf8'), spicedb.readSchema()]);
  if (live === undefined) throw new UsageError(`SpiceDB has no schema. ${NEXT}`);
  const { missing } = compareSchema(ours, live);
  if (missing.length > 0 && unknown.length === 0) {
    const first = `${missing[0]}${missing.length > 1 ? `, and ${missing.length - 1} more` : ''}`;
    throw new UsageError(`SpiceDB's schema is not schema.zed of this version; it lacks: ${first}. ${NEXT}`);
  }
  return missing;
}
