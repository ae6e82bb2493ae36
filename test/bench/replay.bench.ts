import type { Pool } from 'pg';
import { assignmentsPart } from '../../libs/assignments/index.js';
import { projectPath } from '../../libs/embedded/index.js';
import { type EventLog, openEventLog, type StoredEvent } from '../../libs/event-store/index.js';
import { migrate, openPool } from '../../libs/platform/index.js';
import { replay } from '../../libs/projections/index.js';
import { buildDomain } from '../../libs/wiring/index.js';
import { createDatabase, inDatabase, quietly } from './bench-databases.js';
import { type BenchRow, median, rounded, spread } from './bench-row.js';
import { BOUND_TABLE, measureBound } from './replay-bound.js';
import { openEmmettRebuild, type Rebuild } from './replay-emmett.js';
import { storeEvents, syntheticEvents } from './replay-events.js';
import { COLUMNS } from './replay-rows.js';

const ROUNDS = 3;
const EVENTS = 200_000;
/** Fewer, as each takes about 20 times as long. */
const EMMETT_EVENTS = 10_000;
const EMMETT_LIMIT_MS = 30_000;
const UNIT = 'events/s';

interface World {
  url: string;
  pool: Pool;
  log: EventLog;
  domain: ReturnType<typeof buildDomain>;
}

/** Rebuilding the read model of assignments: reading, decoding, folding, writing, indexes, comparison and switch. */
export async function benchReplay(serverUrl: string): Promise<BenchRow[]> {
  const url = await createDatabase(serverUrl);
  await migrate(url, projectPath('migrations'));
  const pool = openPool({ url, applicationName: 'bench', statementTimeoutMs: 0 });
  const log = await openEventLog({ databaseUrl: url });
  try {
    const events = syntheticEvents(EVENTS);
    await storeEvents(pool, events);
    return await compare(serverUrl, { url, pool, log, domain: buildDomain() }, events);
  } finally {
    await log.close();
    await pool.end();
  }
}

async function compare(serverUrl: string, world: World, events: readonly StoredEvent[]): Promise<BenchRow[]> {
  const decoded = events.map((event) => world.domain.registry.decode(event));
  const emmett = await openEmmettRebuild(serverUrl, events.slice(0, EMMETT_EVENTS), EMMETT_LIMIT_MS);
  const ours: number[] = [];
  const bound: number[] = [];
  const rebuilt: Rebuild[] = [];
  // The first also fills the rows that the later ones find and compare themselves with.
  await measureOurs(serverUrl, world);
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(await measureOurs(serverUrl, world));
    bound.push(await measureBound(world.url, decoded));
    await requireSameRows(world);
    if (!('missing' in emmett)) rebuilt.push(await quietly(serverUrl, () => emmett.measure()));
    ours.push(await measureOurs(serverUrl, world));
  }
  const rate = median(ours);
  const row = { ours: rounded(rate), unit: UNIT };
  const against = (peer: number) => ({ ...row, peer: rounded(peer), ratio: rounded(rate / peer) });
  const name = 'replay: 200,000 events, set-based upper bound';
  const rows: BenchRow[] = [
    {
      name,
      ...against(median(bound)),
      target: 0.3,
      limit: bound,
      note: `ours ${spread(ours)}, bound ${spread(bound)}`,
    },
  ];
  const rebuild = { name: 'replay: emmett-postgresql 0.42, rebuild of 10,000', target: 40 };
  if ('missing' in emmett) return [...rows, { ...rebuild, ...row, peer: null, ratio: null, note: emmett.missing }];
  const rates = rebuilt.map(({ eventsPerSecond }) => eventsPerSecond);
  const handled = Math.min(...rebuilt.map(({ events: count }) => count));
  const cut = handled < EMMETT_EVENTS ? `, cut off after ${handled} events` : '';
  const note = `ours ${spread(ours)}, peer ${spread(rates)}${cut}`;
  return [...rows, { ...rebuild, ...against(median(rates)), note }];
}

async function measureOurs(serverUrl: string, { pool, log, domain }: World): Promise<number> {
  const models = assignmentsPart.readModels;
  const report = await quietly(serverUrl, () => replay({ pool, log, registry: domain.registry, models }));
  if (report.events !== EVENTS) throw new Error(`${report.events} events were replayed of ${EVENTS}`);
  return EVENTS / report.seconds;
}

async function requireSameRows({ url }: World): Promise<void> {
  const digest = (table: string): string =>
    `(select count(*) || ' ' || bit_xor(hashtextextended(row(${COLUMNS.join(', ')})::text, 0)) from ${table})`;
  const [row] = await inDatabase(url, `select ${digest('assignment')} as ours, ${digest(BOUND_TABLE)} as theirs`);
  if (row?.['ours'] !== row?.['theirs']) throw new Error(`the rows differ: ${JSON.stringify(row)}`);
}
