import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectPath } from '../../libs/embedded/index.js';
import { openEventLog, type StoredEvent } from '../../libs/event-store/index.js';

const FOLDER = 'test/golden/events';
const READ_AT_ONCE = 1_000;

/** Golden samples by stored type: events as some version stored them, never edited. */
export async function loadSamples(): Promise<Map<string, StoredEvent>> {
  const folder = projectPath(FOLDER);
  const names = await readdir(folder).catch(() => []);
  const samples = await Promise.all(
    names
      .filter((name) => name.endsWith('.json'))
      .map(async (name) => JSON.parse(await readFile(join(folder, name), 'utf8')) as StoredEvent),
  );
  return new Map(samples.map((sample) => [sample.type, sample]));
}

/** Adds a sample of every event type that has none and that the log holds. */
export async function collectSamples(databaseUrl: string): Promise<void> {
  const known = await loadSamples();
  const folder = projectPath(FOLDER);
  await mkdir(folder, { recursive: true });
  const log = await openEventLog({ databaseUrl });
  let events: StoredEvent[];
  let position = -1;
  do {
    events = await log.readAll(position, READ_AT_ONCE);
    for (const event of events) {
      position = event.position;
      if (known.has(event.type)) continue;
      known.set(event.type, event);
      await writeFile(join(folder, `${event.type}.json`), `${JSON.stringify(event, null, 2)}\n`, { flag: 'wx' });
    }
  } while (events.length === READ_AT_ONCE);
  await log.close();
}
