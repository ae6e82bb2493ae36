import { randomUUID } from 'node:crypto';
import { anEvent, someMetadata } from '../../libs/testing/event-builders.js';
import { NO_STREAM, type EventToAppend } from '../../libs/event-store/index.js';
import { PostgresEventLog } from '../../libs/event-store/postgres-event-log.js';
import { openEmmett, openPgbench, type AppendPeer } from './append-peers.js';
import { countRows, createDatabase, migrateEventLog, quietly } from './bench-databases.js';
import { type BenchRow, median, type MissingPeer, rounded, spread } from './bench-row.js';

const ROUNDS = 3;
const SECONDS = 4;

interface Comparison {
  name: string;
  clients: number;
  target?: number;
  /** As a process of the same machine reaches the server; else over TCP, as one of another machine does. */
  throughSocket?: boolean;
  openPeer(serverUrl: string, event: EventToAppend): Promise<AppendPeer | MissingPeer>;
}

const COMPARISONS: Comparison[] = [
  { name: 'append: 16 clients, single-row commits of pgbench', clients: 16, openPeer: openPgbench },
  { name: 'append: 64 clients, single-row commits of pgbench', clients: 64, target: 1, openPeer: openPgbench },
  {
    ...{ name: 'append: 64 clients, the same, both through a Unix socket', clients: 64, target: 1 },
    ...{ throughSocket: true, openPeer: openPgbench },
  },
  { name: 'append: 16 clients, emmett-postgresql 0.42', clients: 16, target: 2.5, openPeer: openEmmett },
];

/** Durable appends a second, each to a stream of its client, beside others on the same server. */
export async function benchAppend(serverUrl: string): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const comparison of COMPARISONS) {
    rows.push(await compare(comparison.throughSocket ? serverUrl : overTcp(serverUrl), comparison));
  }
  return rows;
}

function overTcp(serverUrl: string): string {
  const url = new URL(serverUrl);
  url.searchParams.delete('host');
  return url.href;
}

/** Each round is ours, peer, ours, so that a machine that gets slower or faster meanwhile favours nobody. */
async function compare(serverUrl: string, { name, clients, target, openPeer }: Comparison): Promise<BenchRow> {
  const peer = await openPeer(serverUrl, smallEvent());
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(await measureOurs(serverUrl, clients));
    if ('missing' in peer) continue;
    theirs.push(await quietly(serverUrl, () => peer.measure(clients, SECONDS)));
    ours.push(await measureOurs(serverUrl, clients));
  }
  const row = { name, ours: rounded(median(ours)), unit: 'appends/s', target };
  if ('missing' in peer) return { ...row, peer: null, ratio: null, note: peer.missing };
  await peer.close();
  const note = `ours ${spread(ours)}, peer ${spread(theirs)}`;
  const compared = { ...row, peer: rounded(median(theirs)), ratio: rounded(median(ours) / median(theirs)), note };
  return openPeer === openPgbench ? { ...compared, limit: theirs } : compared;
}

async function measureOurs(serverUrl: string, clients: number): Promise<number> {
  const url = await createDatabase(serverUrl);
  await migrateEventLog(url);
  const log = PostgresEventLog.connect({ url });
  try {
    await log.append('warm-up', NO_STREAM, [smallEvent()]);
    const rate = await quietly(serverUrl, () => appendFor(log, clients));
    await requireSameCount(url, await log.head());
    return rate;
  } finally {
    await log.close();
  }
}

async function appendFor(log: PostgresEventLog, clients: number): Promise<number> {
  const headBefore = await log.head();
  const startedAt = performance.now();
  const endsAt = startedAt + SECONDS * 1000;
  let appended = 0;
  const client = async (): Promise<void> => {
    const stream = `assignment-${randomUUID()}`;
    for (let revision = NO_STREAM; performance.now() < endsAt; appended++) {
      ({ revision } = await log.append(stream, revision, [smallEvent()]));
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  const seconds = (performance.now() - startedAt) / 1000;
  const stored = (await log.head()) - headBefore;
  if (stored !== appended) throw new Error(`${appended} appends were acknowledged and ${stored} events stored`);
  return appended / seconds;
}

/** About 400 bytes with its metadata. */
function smallEvent(): EventToAppend {
  const data = { subject: 'user:01J8Z6X0T3A1C2T3R4S5T6V7W8', role: 'editor' };
  return anEvent({ type: 'role-granted.v1', data, metadata: someMetadata({ at: new Date().toISOString() }) });
}

async function requireSameCount(url: string, head: number): Promise<void> {
  const events = await countRows(url, 'event_log.event');
  if (events !== head + 1) throw new Error(`the head is ${head} and there are ${events} events`);
}
