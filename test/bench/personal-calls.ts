import { randomUUID } from 'node:crypto';
import { Agent, get } from 'node:http';
import { writeAuditEntries } from '../../libs/audit-log/index.js';
import type { StoredEvent } from '../../libs/event-store/index.js';
import { isSealed, SubjectKeys } from '../../libs/personal-data/index.js';
import { inTransaction } from '../../libs/platform/index.js';
import { buildDomain } from '../../libs/wiring/index.js';
import { createDatabase } from './bench-databases.js';
import { BENCH_ADMIN_TOKEN, type BenchApi, openApi } from './bench-product.js';
import { type BenchRow, median, rounded, spread } from './bench-row.js';
import { aTenant } from './bench-world.js';
import { personalEvents } from './personal-events.js';

const PAGE = 50;
const PAGES = 120;
const WARMING = 20;
/** Trails of each kind: medians of the calls of one alone moved by 5 % from run to run. */
const TRAILS = 3;
const TARGET = 0.9;

/** What the process that answers knows of the entries that it reads. */
const KNOWN = {
  'a page whose entries it wrote itself': 'parts',
  'a page it reads for the first time': 'keys',
  'a page of persons it never met, after a start': 'nothing',
} as const;
type Known = (typeof KNOWN)[keyof typeof KNOWN];
/** Reads the next page, and tells how many ms that took. */
type Reader = () => Promise<number>;

/** Calls for pages of an audit log, one after the other: sealed and in clear in turns. */
export async function benchAuditCalls(serverUrl: string, oneOf: number): Promise<BenchRow[]> {
  const api = await openApi(await createDatabase(serverUrl), 'embedded');
  try {
    const rows: BenchRow[] = [];
    for (const [page, known] of Object.entries(KNOWN)) {
      const took: number[][] = [[], []];
      for (let trail = 0; trail < TRAILS; trail++) {
        const clear = await aTrail(api, personalEvents(PAGES * PAGE, oneOf));
        const sealed = await aTrail(api, personalEvents(PAGES * PAGE, oneOf), known);
        for (const [index, times] of (await inTurns(sealed, clear)).entries()) took[index]!.push(...times);
      }
      rows.push(rowOf(`1 of ${oneOf} events opened: GET of ${page}`, took));
    }
    return rows;
  } finally {
    await api.close();
  }
}

async function inTurns(...readers: readonly Reader[]): Promise<number[][]> {
  const took = readers.map((): number[] => []);
  for (let page = 0; page < PAGES; page++) {
    const order = [...readers.keys()];
    for (const index of page % 2 === 0 ? order : order.reverse()) {
      const ms = await readers[index]!();
      if (page >= WARMING) took[index]!.push(ms);
    }
  }
  return took;
}

/** The log of a tenant that has these entries, in clear where it is not said what is known of them. */
async function aTrail(api: BenchApi, events: readonly StoredEvent[], known?: Known): Promise<Reader> {
  const { pool, config, keys, domain } = api.runtime;
  const { path, id: tenantId } = await aTenant(api, { workspaces: 0, members: 0 });
  const elsewhere = buildDomain(new SubjectKeys(pool, config.personalDataKeys));
  const given = events.map((event) => ({ ...event, id: randomUUID(), metadata: { ...event.metadata, tenantId } }));
  const sealing = known === 'parts' ? domain : elsewhere;
  const stored = (known ? await sealing.registry.seal(given) : given) as StoredEvent[];
  if (known === 'keys') await keys.toOpen(new Set(stored.flatMap(subjectsOf)));
  if (known === 'nothing') await asAfterAStart(keys);
  await inTransaction(pool, (client) => writeAuditEntries(client, stored, domain.audit));
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let cursor: string | null = null;
  return async () => {
    const after: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const startedAt = performance.now();
    const text = await answerOf(`${api.url}${path}/audit-log?limit=${PAGE}${after}`, agent);
    const ms = performance.now() - startedAt;
    if (!text.includes('of the Benchmark')) throw new Error(`the page shows no personal fields: ${text.slice(0, 200)}`);
    cursor = (JSON.parse(text) as { nextCursor: string | null }).nextCursor;
    return ms;
  };
}

async function asAfterAStart(keys: SubjectKeys): Promise<void> {
  keys.forgetAll();
  await keys.rememberStored();
}

function subjectsOf({ personal, metadata }: StoredEvent): string[] {
  return [personal, metadata.personal].filter(isSealed).map(({ subject }) => subject);
}

function answerOf(url: string, agent: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = get(url, { agent, headers: { authorization: `Bearer ${BENCH_ADMIN_TOKEN}` } }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => resolve(Buffer.concat(chunks).toString()));
      answer.on('error', reject);
    });
    call.on('error', reject);
  });
}

function rowOf(name: string, [sealed, clear]: readonly number[][]): BenchRow {
  const [ours, peer] = [median(sealed!), median(clear!)];
  const row = { ours: rounded(ours), peer: rounded(peer), ratio: rounded(peer / ours), unit: 'ms', target: TARGET };
  const note = `median; sealed ${spread(sealed!)}, clear ${spread(clear!)}`;
  return { name: `sealed, in clear, ${name}`, ...row, note };
}
