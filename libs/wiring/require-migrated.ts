import { readFile } from 'node:fs/promises';
import { compareSchema } from '../authorization/index.js';
import { projectPath } from '../embedded/index.js';
import { ConfigurationRefused, migrationStanding } from '../platform/index.js';
import { type SubjectKeys, WrappingKeyRefused } from '../personal-data/index.js';
import { UsageError } from './failures.js';
import type { Runtime } from './runtime.module.js';

const NEXT = 'Run: operator migrate';

/**
 * Whether `operator migrate` of this version has been run, or that of a newer one, and the keys that are stored can be
 * used.
 * @returns how SpiceDB's schema differs because of a newer one; empty where it is ours
 * @throws UsageError where it has not been run
 * @throws ConfigurationRefused
 */
export async function requireMigrated({
  pool,
  spicedb,
  keys,
}: Pick<Runtime, 'pool' | 'spicedb' | 'keys'>): Promise<string[]> {
  const unknown = await requireTables(pool);
  await requireUsableKeys(keys);
  const [ours, live] = await Promise.all([readFile(projectPath('schema.zed'), 'utf8'), spicedb.readSchema()]);
  if (live === undefined) throw new UsageError(`SpiceDB has no schema. ${NEXT}`);
  const { missing } = compareSchema(ours, live);
  if (missing.length > 0 && unknown.length === 0) {
    const first = `${missing[0]}${missing.length > 1 ? `, and ${missing.length - 1} more` : ''}`;
    throw new UsageError(`SpiceDB's schema is not schema.zed of this version; it lacks: ${first}. ${NEXT}`);
  }
  return missing;
}

/** @returns migrations of a newer version @throws UsageError where some of this version are not applied */
export async function requireTables(pool: Runtime['pool']): Promise<string[]> {
  const { pending, unknown } = await migrationStanding(pool, projectPath('migrations'));
  if (pending.length === 0) return unknown;
  throw new UsageError(`The tables are not of this version: ${pending.join(', ')} not applied. ${NEXT}`);
}

/** @throws ConfigurationRefused where PERSONAL_DATA_KEYS lacks a key that stored keys are wrapped with */
export async function requireUsableKeys(keys: SubjectKeys): Promise<void> {
  try {
    await keys.requireUsable();
  } catch (error) {
    if (!(error instanceof WrappingKeyRefused)) throw error;
    const faults = [{ variable: 'PERSONAL_DATA_KEYS', found: error.message, accepted: 'every key that is in use' }];
    throw new ConfigurationRefused(faults);
  }
}

/**
 * Whether every stored key can be used, for whoever asks again and again: one small query.
 * @param onRefused told why not, each time it begins to be so
 */
export function usableKeys(keys: SubjectKeys, onRefused: (error: Error) => void): () => Promise<boolean> {
  let refused = false;
  return async () => {
    try {
      await keys.requireUsable();
      refused = false;
    } catch (error) {
      if (!(error instanceof WrappingKeyRefused)) throw error;
      if (!refused) onRefused(error);
      refused = true;
    }
    return !refused;
  };
}
