import { randomUUID } from 'node:crypto';
import { Agent, get } from 'node:http';
import { writeAuditEntries } from '../../libs/audit-log/index.js';
import type { StoredEvent } from '../../libs/event-store/index.js';
import { SubjectKeys } from '../../libs/personal-data/index.js';
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
const TARGET = 0.9;

type Kind = 'sealed' | 'clear';

/** Calls for pages of an audit log whose entries nobody has read before, one after the other. */
export async function benchAuditCalls(serverUrl: string, oneOf: number): Promise<BenchRow> {
  const api = await openApi(await createDatabase(serverUrl), 'embedded');
  try {
    const events = personalEvents(PAGES * PAGE, oneOf);
    const lists = { sealed: await aTrail(api, events, 'sealed'), clear: await aTrail(api, events, 'clear') };
    const took: Record<Kind, number[]> = { sealed: [], clear: [] };
    for (let page = 0; page < PAGES; page++) {
      const order: Kind[] = page % 2 === 0 ? ['clear', 'sealed'] : ['sealed', 'clear'];
      for (const kind of order) {
        const ms = await lists[kind]();
        if (page >= WARMING) took[kind].push(ms);
      }
    }
    return rowOf(oneOf, took);
  } finally {
    await api.close();
  }
}

/** The log of a tenant that has these entries. @returns reads its next page, and tells how many ms that took */
async function aTrail(api: BenchApi, events: readonly StoredEvent[], kind: Kind): Promise<() => Promise<number>> {
  const { pool, config } = api.runtime;
  const { path, id: tenantId } = await aTenant(api, { workspaces: 0, members: 0 });
  const { registry, audit } = buildDomain(new SubjectKeys(pool, config.personalDataKeys));
  const given = events.map((event) => ({
    ...event,
    id: randomUUID(),
    metadata: { ...event.metadata, tenantId },
  }));
  const stored = (kind === 'sealed' ? await registry.seal(given) : given) as StoredEvent[];
  await inTransaction(pool, (client) => writeAuditEntries(client, stored, audit));
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

function rowOf(oneOf: number, { sealed, clear }: Record<Kind, number[]>): BenchRow {
  const [ours, peer] = [median(sealed), median(clear)];
  const row = { ours: rounded(ours), peer: rounded(peer), ratio: rounded(peer / ours), unit: 'ms', target: TARGET };
  const note = `median; sealed ${spread(sealed)}, clear ${spread(clear)}`;
  return { name: `sealed, in clear, 1 of ${oneOf} events opened: GET of a new audit page`, ...row, note };
}
