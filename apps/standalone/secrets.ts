import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ids } from '../../libs/platform/index.js';

/** Secrets of a data folder, by the names of their variables. */
export type Secrets = Record<'ADMIN_TOKEN' | 'SPICEDB_PRESHARED_KEY' | 'TOKEN_PEPPER' | 'SIGNING_KEY', string>;

const SECRET_BYTES = 32;

/** The secrets that were generated for a data folder; the first time they are made and kept, for the owner's eyes only. */
export async function keptSecrets(dataDir: string, ids: Ids): Promise<Secrets> {
  const file = join(dataDir, 'secrets.json');
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Secrets;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      throw new Error(`${file} can't be read: ${(error as Error).message}. Restore it, or start on a new DATA_DIR.`);
    }
  }
  const secret = (): string => ids.secret(SECRET_BYTES);
  const secrets = {
    ADMIN_TOKEN: `csn_admin_${secret()}`,
    SPICEDB_PRESHARED_KEY: secret(),
    TOKEN_PEPPER: secret(),
    SIGNING_KEY: secret(),
  };
  await mkdir(dataDir, { recursive: true });
  await writeFile(file, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  return secrets;
}
