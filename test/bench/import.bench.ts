import { CommandBus } from '@nestjs/cqrs';
import { DeciderRuntime, type EventLog, openEventLog, type StoredEvent } from '../../libs/event-store/index.js';
import { importMembershipHistory, type ImportSummary } from '../../libs/membership-import/index.js';
import { generatedHistory, type History, ISSUER, someHistory } from '../import/history-world.js';
import { createDatabase, migrateEventLog, quietly } from './bench-databases.js';
import { type BenchProduct, openProduct, requireDelivered } from './bench-product.js';
import { type BenchRow, median, rounded, spread } from './bench-row.js';

/** As many as the import has under way. */
const AT_ONCE = 64;
const DELIVERY_MS = 120_000;
const MIB = 2 ** 20;

interface Import {
  summary: ImportSummary;
  /** In the order of the log; those of one command on one stream are one append. */
  appends: StoredEvent[][];
  seconds: number;
  secondsToSpiceDb: number;
  /** Resident memory of this process, with the relay: before, and the most there was. */
  memory: [before: number, most: number];
}

/** A membership history through the deciders, with the relay at work, beside the same appends with nothing around. */
export async function benchImport(serverUrl: string): Promise<BenchRow[]> {
  const history = await historyToImport();
  const imported = await importOnce(serverUrl, history);
  const raw: number[] = [];
  for (let round = 0; round < 2; round++) raw.push(await appendRaw(serverUrl, imported.appends));
  const again = await importOnce(serverUrl, history);
  raw.push(await appendRaw(serverUrl, again.appends));
  const rates = [imported, again].map(({ appends, seconds }) => appends.length / seconds);
  const { summary, appends, seconds, secondsToSpiceDb, memory } = again;
  const [ours, peer] = [median(rates), median(raw)];
  const note = [
    `${history.name}: ${summary.lines} lines, ${appends.length} appends, ${rounded(summary.lines / seconds)} lines/s`,
    `in SpiceDB after ${rounded(secondsToSpiceDb)} s (imported after ${rounded(seconds)} s)`,
    `memory ${memory.map((bytes) => Math.round(bytes / MIB)).join(' → ')} MiB`,
    `ours ${spread(rates)}, peer ${spread(raw)}`,
  ].join('; ');
  const row = {
    ours: rounded(ours),
    peer: rounded(peer),
    ratio: rounded(ours / peer),
    unit: 'appends/s',
    note,
    limit: raw,
  };
  return [{ name: 'import: the same appends raw, 64 at once', ...row }];
}

async function historyToImport(): Promise<History> {
  const found = await someHistory();
  if (!found.name.startsWith('history')) return found;
  return { ...generatedHistory(14, { changes: 2_500, orgs: 7, teams: 100, people: 1_700 }), name: 'generated history' };
}

async function importOnce(serverUrl: string, history: History): Promise<Import> {
  const product = await openProduct(await createDatabase(serverUrl));
  try {
    return await quietly(serverUrl, () => importInto(product, history));
  } finally {
    await product.close();
  }
}

async function importInto({ runtime, context }: BenchProduct, { lines, teams }: History): Promise<Import> {
  const { log, pool, progress, clock } = runtime;
  const since = await log.head();
  const memory = watchMemory();
  const startedAt = performance.now();
  const elapsed = (): number => (performance.now() - startedAt) / 1_000;
  const summary = await importMembershipHistory({
    ...{ log, pool, progress, clock, teams, issuer: ISSUER, rootWorkspaceName: undefined },
    bus: context.get(CommandBus),
    runtime: context.get(DeciderRuntime),
    history: lines,
  });
  const seconds = elapsed();
  await requireDelivered(runtime, DELIVERY_MS);
  const secondsToSpiceDb = elapsed();
  if (summary.refused.length > 0 || summary.grants + summary.revokes !== summary.lines) {
    throw new Error(`not everything was imported: ${JSON.stringify(summary)}`);
  }
  const appends = await appendsAfter(log, since);
  return { summary, appends, seconds, secondsToSpiceDb, memory: memory.stop() };
}

async function appendsAfter(log: EventLog, since: number): Promise<StoredEvent[][]> {
  const appends = new Map<string, StoredEvent[]>();
  for (let after = since; ;) {
    const page = await log.readAll(after, 2_000);
    if (page.length === 0) return [...appends.values()];
    for (const event of page) {
      const key = `${event.stream} ${event.metadata.commandId}`;
      appends.set(key, [...(appends.get(key) ?? []), event]);
    }
    after = page.at(-1)!.position;
  }
}

/** Appends a second; those to one stream one after another. */
async function appendRaw(serverUrl: string, appends: readonly StoredEvent[][]): Promise<number> {
  const url = await createDatabase(serverUrl);
  await migrateEventLog(url);
  const log = await openEventLog({ databaseUrl: url });
  try {
    const revisions = new Map<string, Promise<number>>();
    const waiting = appends.values();
    const client = async (): Promise<void> => {
      for (const events of waiting) {
        const { stream } = events[0]!;
        const before = revisions.get(stream) ?? Promise.resolve(-1);
        const appended = before.then(async (expected) => (await log.append(stream, expected, events)).revision);
        revisions.set(stream, appended);
        await appended;
      }
    };
    const seconds = await quietly(serverUrl, async () => {
      const startedAt = performance.now();
      await Promise.all(Array.from({ length: AT_ONCE }, client));
      return (performance.now() - startedAt) / 1_000;
    });
    const stored = (await log.head()) + 1;
    if (stored !== appends.flat().length) throw new Error(`${stored} events are stored of ${appends.flat().length}`);
    return appends.length / seconds;
  } finally {
    await log.close();
  }
}

function watchMemory() {
  const before = process.memoryUsage.rss();
  let most = before;
  const look = (): void => void (most = Math.max(most, process.memoryUsage.rss()));
  const timer = setInterval(look, 50);
  return {
    stop: (): Import['memory'] => {
      clearInterval(timer);
      look();
      return [before, most];
    },
  };
}
