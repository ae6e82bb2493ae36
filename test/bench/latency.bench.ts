import { setTimeout as pause } from 'node:timers/promises';
import { assignmentStream, type Subject, type Target } from '../../libs/assignments/index.js';
import { type EventToAppend, NO_STREAM } from '../../libs/event-store/index.js';
import { anEvent, someMetadata } from '../../libs/testing/event-builders.js';
import type { Runtime } from '../../libs/wiring/index.js';
import { createDatabase, quietly } from './bench-databases.js';
import { openProduct, requireDelivered } from './bench-product.js';
import { type BenchRow, rounded } from './bench-row.js';

const RATES = [100, 200];
const SECONDS = 15;
const WARM_UP_SECONDS = 3;
const LIMITS_MS = { p50: 15, p95: 50 };
const LONGEST_MS = 30_000;

interface Grant {
  stream: string;
  tuple: string;
  event: EventToAppend;
}
interface Sample {
  /** From the moment the append was acknowledged, and from the moment it was due. */
  sinceCommit: number;
  sinceDue: number;
}

/** Open loop: appends start when they are due, however long those before them take. */
export async function benchLatency(serverUrl: string): Promise<BenchRow[]> {
  const product = await openProduct(await createDatabase(serverUrl));
  try {
    const granted = await grantAt(product.runtime, RATES[0]!, WARM_UP_SECONDS);
    const rows: BenchRow[] = [];
    for (const rate of RATES) {
      const { samples, tuples } = await quietly(serverUrl, () => grantAt(product.runtime, rate, SECONDS));
      granted.tuples.push(...tuples);
      rows.push(...rowsOf(rate, samples));
    }
    await requireInSpiceDb(product.runtime, granted.tuples);
    return rows;
  } finally {
    await product.close();
  }
}

function rowsOf(rate: number, samples: readonly Sample[]): BenchRow[] {
  const committed = samples.map(({ sinceCommit }) => sinceCommit);
  const due = samples.map(({ sinceDue }) => sinceDue);
  const note = [
    `p99 ${rounded(percentile(committed, 0.99))}, max ${rounded(Math.max(...committed))}`,
    `from when it was due: p50 ${rounded(percentile(due, 0.5))}, p95 ${rounded(percentile(due, 0.95))}`,
    `${samples.length} grants`,
  ].join('; ');
  return (['p50', 'p95'] as const).map((name) => {
    const ours = percentile(committed, name === 'p50' ? 0.5 : 0.95);
    const limit = LIMITS_MS[name];
    const row = { ours: rounded(ours), peer: limit, ratio: rounded(limit / ours), unit: 'ms', target: 1 };
    return { name: `commit → SpiceDB: ${name} at ${rate}/s`, ...row, ...(name === 'p95' && { note }) };
  });
}

async function grantAt(runtime: Runtime, rate: number, seconds: number) {
  const grants = Array.from({ length: rate * seconds }, () => aGrant(runtime));
  const samples: Promise<Sample>[] = [];
  const startedAt = performance.now();
  for (const [index, grant] of grants.entries()) {
    const dueAt = startedAt + (index * 1_000) / rate;
    const early = dueAt - performance.now();
    if (early > 0) await pause(early);
    samples.push(follow(runtime, grant, dueAt));
  }
  return { samples: await Promise.all(samples), tuples: grants.map(({ tuple }) => tuple) };
}

async function follow({ log, progress }: Runtime, { stream, event }: Grant, dueAt: number): Promise<Sample> {
  const { position } = await log.append(stream, NO_STREAM, [event]);
  const committedAt = performance.now();
  if (!(await progress.waitFor('delivered', position, LONGEST_MS))) {
    throw new Error(`position ${position} was not delivered within ${LONGEST_MS} ms`);
  }
  const now = performance.now();
  return { sinceCommit: now - committedAt, sinceDue: now - dueAt };
}

function aGrant({ ids, clock }: Runtime): Grant {
  const now = clock.now();
  const at = now.toISOString();
  const subject: Subject = { type: 'user', id: ids.ulid(now) };
  const target: Target = { type: 'workspace', id: ids.ulid(now) };
  const tenantId = ids.ulid(now);
  const grant = { tenantId, subject, target, role: 'editor', source: 'direct', until: null };
  const data = { ...grant, replaced: [], rolesBefore: [], rolesAfter: ['editor'], at };
  return {
    stream: assignmentStream({ subject, target }),
    tuple: `workspace:${target.id}#editor@user:${subject.id}`,
    event: anEvent({ type: 'role-granted.v1', data, metadata: someMetadata({ tenantId, at }) }),
  };
}

async function requireInSpiceDb(runtime: Runtime, tuples: readonly string[]): Promise<void> {
  await requireDelivered(runtime);
  const found = new Set<string>();
  for await (const page of runtime.spicedb.readAll('workspace')) for (const { tuple } of page) found.add(tuple);
  const missing = tuples.filter((tuple) => !found.has(tuple));
  if (missing.length > 0) throw new Error(`SpiceDB lacks ${missing.length} of ${tuples.length}: ${missing[0]} …`);
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)]!;
}
