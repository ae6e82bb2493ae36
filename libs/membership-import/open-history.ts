import { createReadStream } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { parseTeams, type Team } from './teams.js';

export class UnreadableFile extends Error {
  override readonly name = 'UnreadableFile';
  constructor(path: string, cause: unknown) {
    super(`${path} can't be read: ${(cause as Error).message}`, { cause });
  }
}

/**
 * The lines of a file, plain or gzip, whatever it is called.
 *
 * @throws UnreadableFile
 */
export async function* linesOfFile(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let rest = '';
  try {
    for await (const chunk of await openBytes(path)) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop()!;
      yield* lines;
    }
    rest += decoder.decode();
  } catch (error) {
    throw new UnreadableFile(path, error);
  }
  if (rest !== '') yield rest;
}

/** @throws UnreadableFile, MalformedTeams */
export async function teamsOfFile(path: string): Promise<Team[]> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new UnreadableFile(path, error);
  });
  return parseTeams(text);
}

async function openBytes(path: string): Promise<AsyncIterable<Buffer>> {
  const gzip = await isGzip(path);
  const file = createReadStream(path);
  // Errors of either come out of a loop over the second.
  return gzip ? pipeline(file, createGunzip(), () => undefined) : file;
}

async function isGzip(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await file.close();
  }
}
