import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { linesOfFile, teamsOfFile, UnreadableFile } from './open-history.js';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign-history-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function linesOf(bytes: string | Buffer): Promise<string[]> {
  const path = join(folder, 'history');
  await writeFile(path, bytes);
  const lines: string[] = [];
  for await (const line of linesOfFile(path)) lines.push(line);
  return lines;
}

describe('linesOfFile', () => {
  const long = Array.from({ length: 20_000 }, (_, index) => `línea ${index} 🙂`);

  it('reads plain text, with and without a last line break', async () => {
    expect(await linesOf('one\ntwo\n')).toEqual(['one', 'two']);
    expect(await linesOf('one\r\ntwo')).toEqual(['one\r', 'two']);
    expect(await linesOf('')).toEqual([]);
  });

  it('reads gzip, and characters that chunks cut in two', async () => {
    expect(await linesOf(gzipSync(long.join('\n')))).toEqual(long);
    expect(await linesOf(long.join('\n'))).toEqual(long);
  });

  it('fails on a cut archive, on bytes that are no text, and without a file', async () => {
    const archive = gzipSync(long.join('\n'));
    await expect(linesOf(archive.subarray(0, archive.length / 2))).rejects.toThrow(UnreadableFile);
    await expect(linesOf(Buffer.from([0x61, 0xff, 0x0a]))).rejects.toThrow("can't be read");
    await expect(linesOfFile(join(folder, 'none')).next()).rejects.toThrow(UnreadableFile);
  });
});

describe('teamsOfFile', () => {
  it('reads the teams, and says which file is not there', async () => {
    await writeFile(join(folder, 'teams'), '[{"org":"acme","team":"web"}]');
    expect(await teamsOfFile(join(folder, 'teams'))).toEqual([{ org: 'acme', team: 'web', parent: '' }]);
    await expect(teamsOfFile(join(folder, 'none'))).rejects.toThrow(UnreadableFile);
  });
});
