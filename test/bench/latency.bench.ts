import { setTimeout as pause } from 'node:timers/promises';
import { CommandBus } from '@nestjs/cqrs';
import { assignmentStream, type Subject, type Target } from '../../libs/assignments/index.js';
import { type EventToAppend, NO_STREAM, processContext } from '../../libs/event-store/index.js';
import { anEvent, someMetadata } from '../../libs/testing/event-builders.js';
import { EnsureUser } from '../../libs/users/index.js';
import type { Runtime } from '../../libs/wiring/index.js';
import { CreateWorkspace } from '../../libs/workspaces/index.js';
import { createDatabase, quietly } from './bench-databases.js';
import { type BenchProduct, openProduct, requireDelivered } from './bench-product.js';
import { type BenchRow, percentile, rounded } from './bench-row.js';

const RATES = [100, 200];
const SECONDS = 12;
const WARM_UP_SECONDS = 3;
const LIMITS_MS = { p50: 15, p95: 50 };
const LONGEST_MS = 30_000;
/** Each grant is of another user or on another workspace: enough for all of them. */
export const WORKSPACES = 30;
export const USERS = 200;

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
    const grants = await possibleGrants(product);
    const granted = await grantAt(product.runtime, grants, { rate: RATES[0]!, seconds: WARM_UP_SECONDS });
    const rows: BenchRow[] = [];
    for (const rate of RATES) {
      const { samples, tuples } = await quietly(serverUrl, () =>
        grantAt(product.runtime, grants, { rate, seconds: SECONDS }),
      );
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

export async function grantAt(
  runtime: Runtime,
  possible: Iterator<Grant>,
  { rate, seconds }: { rate: number; seconds: number },
) {
  const grants = Array.from({ length: rate * seconds }, () => possible.next().value as Grant);
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

/** On workspaces that are there, of users that are there: a process ends what nobody can hold. */
export async function possibleGrants({ runtime, context, installation }: BenchProduct): Promise<Iterator<Grant>> {
  const { ids, clock } = runtime;
  const bus = context.get(CommandBus);
  const { defaultTenantId: tenantId, rootWorkspaceId: parentId } = installation;
  const ulids = (count: number): string[] => Array.from({ length: count }, () => ids.ulid(clock.now()));
  const [workspaces, users] = [ulids(WORKSPACES), ulids(USERS)];
  for (const workspaceId of workspaces) {
    const input = { workspaceId, tenantId, name: workspaceId, parentId, creatorId: null };
    await bus.execute(new CreateWorkspace(processContext('bench', clock, ids), input));
  }
  for (const userId of users) {
    const identity = { issuer: 'bench', subject: userId };
    const input = { userId, externalIdentity: identity, profile: { displayName: userId } };
    await bus.execute(new EnsureUser(processContext('bench', clock, ids), input));
  }
  await requireDelivered(runtime);
  const at = clock.now().toISOString();
  const all = users.flatMap((user) => workspaces.map((workspace) => aGrant({ tenantId, user, workspace, at })));
  return all.values();
}

function aGrant({ tenantId, user, workspace, at }: Record<'tenantId' | 'user' | 'workspace' | 'at', string>): Grant {
  const subject: Subject = { type: 'user', id: user };
  const target: Target = { type: 'workspace', id: workspace };
  const grant = { tenantId, subject, target, role: 'editor', source: 'direct', until: null };
  const data = { ...grant, replaced: [], rolesBefore: [], rolesAfter: ['editor'], at };
  return {
    stream: assignmentStream({ subject, target }),
    tuple: `workspace:${workspace}#editor@user:${user}`,
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
