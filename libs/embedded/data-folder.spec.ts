import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runChildScript } from '../testing/child-script.js';
import { lockDataFolder } from './data-folder.js';

let dataDir: string;

beforeEach(async () => {
  dataDir = join(await mkdtemp(join(tmpdir(), 'data-folder-')), 'data');
});

afterEach(() => rm(join(dataDir, '..'), { recursive: true, force: true }));

function lockElsewhere() {
  const script = `try { await m.lockDataFolder(process.env.FOLDER); console.log('locked'); } catch (error) {
      console.log(error.message); process.exit(); }
    setInterval(() => {}, 1000);`;
  return runChildScript(['libs/embedded/data-folder.js'], script, { FOLDER: dataDir });
}

describe('the lock of a data folder', () => {
  it('is refused to another process, with what to do', async () => {
    const lock = await lockDataFolder(dataDir);
    expect(await lockElsewhere().nextLine()).toBe(
      `The data folder ${dataDir} is in use by process ${process.pid}. ` +
        'Stop that process first, or set DATA_DIR to another folder.',
    );
    await lock.release();
    const other = lockElsewhere();
    expect(await other.nextLine()).toBe('locked');
    await expect(lockDataFolder(dataDir)).rejects.toThrow(`in use by process ${other.process.pid}`);
    other.process.kill('SIGKILL');
    await other.exited;
  });

  it('is taken over from a process that was killed', async () => {
    const other = lockElsewhere();
    expect(await other.nextLine()).toBe('locked');
    other.process.kill('SIGKILL');
    await other.exited;
    await (await lockDataFolder(dataDir)).release();
    expect(await readdir(dataDir)).toEqual([]);
  });

  it('is taken over when the pid was given to another process', async () => {
    await (await lockDataFolder(dataDir)).release();
    await writeFile(join(dataDir, `lock.${process.ppid}.another-start.00000000`), '');
    await (await lockDataFolder(dataDir)).release();
  });

  it('is never held by two that start at once', async () => {
    for (let round = 0; round < 5; round++) {
      const contenders = [lockElsewhere(), lockElsewhere(), lockElsewhere()];
      const lines = await Promise.all(contenders.map((contender) => contender.nextLine()));
      expect(lines.filter((line) => line === 'locked').length).toBeLessThanOrEqual(1);
      const others = lines.filter((line) => line !== 'locked');
      for (const line of others) expect(line).toContain(`The data folder ${dataDir} is in use by process`);
      for (const contender of contenders) contender.process.kill('SIGKILL');
      await Promise.all(contenders.map(({ exited }) => exited));
    }
  });
});
