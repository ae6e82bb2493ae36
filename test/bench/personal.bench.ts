import type { Kysely } from 'kysely';
import type { Pool } from 'pg';
import { CommitBatch } from '../../apps/relay/commit-batch.js';
import { assignmentsPart } from '../../libs/assignments/index.js';
import { SYSTEM_CHAIN } from '../../libs/audit-log/index.js';
import { AuditLogQuery } from '../../libs/audit-log/audit-log-query.js';
import { ListAuditEntries, ListAuditEntriesHandler } from '../../libs/audit-log/list-audit-entries.js';
import { projectPath } from '../../libs/embedded/index.js';
import { type EventLog, openEventLog, type StoredEvent } from '../../libs/event-store/index.js';
import { SubjectKeys } from '../../libs/personal-data/index.js';
import { loadConfig, migrate, openKysely, openPool } from '../../libs/platform/index.js';
import { type Domain, replay } from '../../libs/projections/index.js';
import { usersPart } from '../../libs/users/index.js';
import { buildDomain } from '../../libs/wiring/index.js';
import { createDatabase, quietly } from './bench-databases.js';
import { type BenchRow, median, rounded, spread } from './bench-row.js';
import { benchAuditCalls } from './personal-calls.js';
import { personalEvents } from './personal-events.js';
import { storeEvents } from './replay-events.js';

const EVENTS = 30_000;
/** So many that each replay has its share of collecting garbage: of 30,000 only every other had it, always the same side. */
const REPLAYED = 120_000;
const ROUNDS = 6;
const SEALED_AT_ONCE = 2_000;
const RELAY_BATCH = 1_000;
const PAGES = 20;
const PAGE = 50;
const TARGET = 0.9;
/** A community of 1,765 persons had 17,103 events in three years: each tenth is of somebody new. */
const AS_IN_AN_ORGANISATION = 10;
const MANY = 4;

interface World {
  url: string;
  pool: Pool;
  log: EventLog;
  /** With keys that nobody has asked for yet. */
  domain(): Domain;
  list: ListAuditEntriesHandler;
  /** After the entries that were read. */
  cursor: string | null;
}
interface Both<T> {
  sealed: T;
  clear: T;
}
/** How long it took in ms, and how much of that Node was busy. */
interface Took {
  wall: number;
  cpu: number;
}
type Work = (world: World, round: number) => Promise<void>;

/** The same events, sealed and in clear. */
export async function benchPersonal(serverUrl: string): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const oneOf of [AS_IN_AN_ORGANISATION, MANY]) {
    rows.push(...(await benchMix(serverUrl, oneOf)), await benchReplay(serverUrl, oneOf));
    rows.push(...(await benchAuditCalls(serverUrl, oneOf)));
  }
  return rows;
}

async function benchMix(serverUrl: string, oneOf: number): Promise<BenchRow[]> {
  return inBothWorlds(serverUrl, oneOf, EVENTS, async (compare, worlds) => {
    for (const { pool } of Object.values(worlds) as World[]) await pool.query('delete from relay_checkpoint');
    const pages = { count: PAGES, unit: 'pages/s' };
    return [
      await compare('relay, batches of 1,000', committed, { count: EVENTS / ROUNDS, unit: 'events/s' }),
      // Nobody reads without a call: what counts is measured by benchAuditCalls.
      withoutTarget(await compare('audit list alone, pages of 50 read for the first time', listedFirst, pages)),
      withoutTarget(await compare('audit list alone, pages of 50', listed, pages)),
    ];
  });
}

async function benchReplay(serverUrl: string, oneOf: number): Promise<BenchRow> {
  return inBothWorlds(serverUrl, oneOf, REPLAYED, (compare) =>
    compare('replay of users and assignments', replayed, { count: REPLAYED, unit: 'events/s' }),
  );
}

type Compare = (name: string, work: Work, each: { count: number; unit: string }) => Promise<BenchRow>;

async function inBothWorlds<T>(
  serverUrl: string,
  oneOf: number,
  count: number,
  bench: (compare: Compare, worlds: Both<World>) => Promise<T>,
): Promise<T> {
  const worlds = await bothWorlds(serverUrl, personalEvents(count, oneOf));
  try {
    const compare: Compare = async (name, work, each) =>
      rowOf(`1 of ${oneOf} events opened: ${name}`, await alternately(serverUrl, worlds, work), each);
    return await bench(compare, worlds);
  } finally {
    await Promise.all(Object.values(worlds).map(closeWorld));
  }
}

/** Nothing keeps the events: a replay does not have them all in memory, either. */
async function bothWorlds(serverUrl: string, events: readonly StoredEvent[]): Promise<Both<World>> {
  return {
    sealed: await aWorld(serverUrl, events, (domain, piece) => domain.registry.seal(piece)),
    clear: await aWorld(serverUrl, events, async (_, piece) => piece),
  };
}

async function aWorld(
  serverUrl: string,
  events: readonly StoredEvent[],
  stored: (domain: Domain, piece: StoredEvent[]) => Promise<object[]>,
): Promise<World> {
  const url = await createDatabase(serverUrl);
  await migrate(url, projectPath('migrations'));
  const pool = openPool({ url, applicationName: 'bench', statementTimeoutMs: 0 });
  const { personalDataKeys, signingKey } = loadConfig({ ADMIN_TOKEN: 'csn_admin' }, { mode: 'standalone' });
  const domain = () => buildDomain(new SubjectKeys(pool, personalDataKeys));
  const sealing = domain();
  const written: StoredEvent[] = [];
  for (let start = 0; start < events.length; start += SEALED_AT_ONCE) {
    const piece = events.slice(start, start + SEALED_AT_ONCE);
    written.push(...((await stored(sealing, piece)) as StoredEvent[]));
  }
  await storeEvents(pool, written);
  const list = new ListAuditEntriesHandler(openKysely(pool) as Kysely<never>, signingKey ?? '', sealing.registry);
  return { url, pool, log: await openEventLog({ databaseUrl: url }), domain, list, cursor: null };
}

async function closeWorld({ pool, log }: World): Promise<void> {
  await log.close();
  await pool.end();
}

async function alternately(serverUrl: string, worlds: Both<World>, work: Work): Promise<Both<Took[]>> {
  const took: Both<Took[]> = { sealed: [], clear: [] };
  for (let round = 0; round < ROUNDS; round++) {
    const order: (keyof Both<World>)[] = round % 2 === 0 ? ['clear', 'sealed'] : ['sealed', 'clear'];
    for (const which of order)
      took[which].push(await quietly(serverUrl, () => timed(() => work(worlds[which], round))));
  }
  return took;
}

async function timed(work: () => Promise<void>): Promise<Took> {
  const [startedAt, before] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(before);
  return { wall: performance.now() - startedAt, cpu: (user + system) / 1_000 };
}

function rowOf(name: string, took: Both<Took[]>, { count, unit }: { count: number; unit: string }): BenchRow {
  const rates = (each: readonly Took[]): number[] => each.map(({ wall }) => (count / wall) * 1_000);
  const [ours, peer] = [median(rates(took.sealed)), median(rates(took.clear))];
  const busy = ({ sealed, clear }: Both<Took[]>): number => median(cpuOf(clear)) / median(cpuOf(sealed));
  const spreads = `sealed ${spread(rates(took.sealed))}, clear ${spread(rates(took.clear))}`;
  const note = `${spreads}, by Node's time ${rounded(busy(took))}`;
  const row = { ours: rounded(ours), peer: rounded(peer), ratio: rounded(ours / peer), unit, target: TARGET, note };
  return { name: `sealed, in clear, ${name}`, ...row };
}

function withoutTarget({ target: _, ...row }: BenchRow): BenchRow {
  return row;
}

function cpuOf(took: readonly Took[]): number[] {
  return took.map(({ cpu }) => cpu);
}

/** The next part of the log, as the relay reads and commits it. */
const committed: Work = async ({ pool, log, domain }, round) => {
  const incarnation = await log.incarnation();
  const hold = async (): Promise<void> => undefined;
  const batch = new CommitBatch({ pool, domain: domain(), partition: 0, incarnation, hold });
  const [first, end] = [(round * EVENTS) / ROUNDS, ((round + 1) * EVENTS) / ROUNDS];
  for (let position = first; position < end; position += RELAY_BATCH) {
    await batch.commit(await log.readAll(position - 1, RELAY_BATCH));
  }
};

const replayed: Work = async ({ pool, log, domain }) => {
  const models = [...usersPart.readModels, ...assignmentsPart.readModels];
  const { events } = await replay({ pool, log, registry: domain().registry, models });
  if (events !== REPLAYED) throw new Error(`${events} of ${REPLAYED} events were replayed`);
};

/** Page after page from the newest on, as they are answered. */
const listed: Work = async ({ list }) => {
  await readPages(list, null);
};

/** Those that follow the pages of the round before. */
const listedFirst: Work = async (world) => {
  world.cursor = await readPages(world.list, world.cursor);
};

async function readPages(list: ListAuditEntriesHandler, after: string | null): Promise<string | null> {
  let cursor = after;
  for (let number = 0; number < PAGES; number++) {
    const query = Object.assign(new AuditLogQuery(), { limit: PAGE, ...(cursor !== null && { cursor }) });
    const page = await list.execute(new ListAuditEntries(SYSTEM_CHAIN, query));
    cursor = page.nextCursor;
    if (!JSON.stringify(page).includes('of the Benchmark')) throw new Error('the page shows no personal fields');
  }
  return cursor;
}
