import { randomBytes } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../../libs/embedded/index.js';
import type { Ids } from '../../libs/platform/index.js';

/** Secrets of a data folder, by the names of their variables. */
export type Secrets = Record<
  'ADMIN_TOKEN' | 'SPICEDB_PRESHARED_KEY' | 'TOKEN_PEPPER' | 'SIGNING_KEY' | 'PERSONAL_DATA_KEYS',
  string
>;

const SECRET_BYTES = 32;

/**
 * The secrets that were generated for a data folder; the first time they are made and kept, for the owner's eyes only.
 * A folder of an earlier version gets those it does not have.
 */
export async function keptSecrets(dataDir: string, ids: Ids): Promise<Secrets> {
  const file = join(dataDir, 'secrets.json');
  const kept = await readSecrets(file);
  const secrets = { ...newSecrets(ids), ...kept };
  if (kept && Object.keys(kept).length === Object.keys(secrets).length) return secrets;
  await makeFolder(dataDir);
  const written = kept ? `${file}.${ids.uuid()}` : file;
  await writeFile(written, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  if (kept) await rename(written, file);
  return secrets;
}

async function readSecrets(file: string): Promise<Partial<Secrets> | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Partial<Secrets>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Error(`${file} can't be read: ${(error as Error).message}. Restore it, or start on a new DATA_DIR.`);
  }
}

function newSecrets(ids: Ids): Secrets {
  const secret = (): string => ids.secret(SECRET_BYTES);
  return {
    ADMIN_TOKEN: `csn_admin_${secret()}`,
    SPICEDB_PRESHARED_KEY: secret(),
    TOKEN_PEPPER: secret(),
    SIGNING_KEY: secret(),
    PERSONAL_DATA_KEYS: `first:${randomBytes(SECRET_BYTES).toString('base64')}`,
  };
}
