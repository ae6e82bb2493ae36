import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectPath } from '../../libs/embedded/index.js';
import { openEventLog, type StoredEvent } from '../../libs/event-store/index.js';
import { SubjectKeys } from '../../libs/personal-data/index.js';
import { loadConfig, openPool } from '../../libs/platform/index.js';
import { buildDomain, type Runtime } from '../../libs/wiring/index.js';

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

/** @param url PostgreSQL event log; PERSONAL_DATA_KEYS must be those of its installation */
export async function collectSamplesFrom(url: string): Promise<void> {
  const pool = openPool({ url, applicationName: 'generate' });
  const { personalDataKeys } = loadConfig(process.env, { mode: 'operator' });
  const log = await openEventLog({ databaseUrl: url });
  await collectSamples({ log, domain: buildDomain(new SubjectKeys(pool, personalDataKeys)) });
  await log.close();
  await pool.end();
}

/** Adds a sample of every event type that has none and that the log holds, with its personal fields opened. */
export async function collectSamples({ log, domain }: Pick<Runtime, 'log' | 'domain'>): Promise<void> {
  const known = await loadSamples();
  const folder = projectPath(FOLDER);
  await mkdir(folder, { recursive: true });
  let events: StoredEvent[];
  let position = -1;
  do {
    events = await domain.registry.open(await log.readAll(position, READ_AT_ONCE));
    for (const event of events) {
      position = event.position;
      if (known.has(event.type)) continue;
      known.set(event.type, event);
      await writeFile(join(folder, `${event.type}.json`), `${JSON.stringify(event, null, 2)}\n`, { flag: 'wx' });
    }
  } while (events.length === READ_AT_ONCE);
}
