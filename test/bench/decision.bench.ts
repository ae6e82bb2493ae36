import { type Subject } from '../../libs/assignments/index.js';
import {
  type CommandContext,
  DeciderRuntime,
  type EventLog,
  type EventToAppend,
  NO_STREAM,
  openEventLog,
} from '../../libs/event-store/index.js';
import { deterministicIds, type Ids } from '../../libs/platform/index.js';
import type { Circumstances } from '../../libs/requests/request.decider.js';
import { decideRequest, requestStream } from '../../libs/requests/request-stream.js';
import { anEvent, someMetadata } from '../../libs/testing/event-builders.js';
import { buildDomain } from '../../libs/wiring/index.js';
import { createDatabase, migrateEventLog, quietly } from './bench-databases.js';
import { type BenchRow, median, rounded, spread } from './bench-row.js';
import { many } from './bench-world.js';

const ROUNDS = 3;
const EVENTS = 20;
const REQUESTS = 3_000;
const CLIENTS = 32;
const AT = '2026-01-01T00:00:00.000Z';
const REVIEWER: Subject = { type: 'user', id: '01JQ0000000000000000000ADM' };
const ALL_WELL: Circumstances = {
  ...{
    tenantExists: true,
    targetExists: true,
    requestable: true,
    roleExists: true,
    requesterActive: true,
    requesterSuspended: false,
  },
  ...{ requesterIsMember: true, requesterRemovedAt: -1, rolesHeld: [] },
};

/**
 * A request of 20 events that nothing remembers is read, folded, decided and appended to; the same that this process has
 * read before, as whoever shows it to an approver has; and only the append.
 */
export async function benchDecision(serverUrl: string): Promise<BenchRow[]> {
  const url = await createDatabase(serverUrl);
  await migrateEventLog(url);
  const log = await openEventLog({ databaseUrl: url });
  try {
    const world = { log, ids: deterministicIds('decision') };
    const ours: number[] = [];
    const remembered: number[] = [];
    const alone: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const runtime = new DeciderRuntime(log, buildDomain().registry);
      const requests = await submitRequests(world);
      ours.push(await quietly(serverUrl, () => decideAll(world, runtime, requests)));
      const read = await submitRequests(world);
      await many(read.length, (index) => runtime.load(streamOf(read[index]!), requestStream));
      remembered.push(await quietly(serverUrl, () => decideAll(world, runtime, read)));
      alone.push(await quietly(serverUrl, () => appendAlone(world)));
    }
    const cold = rowOf('decision: request of 20 events, its append alone', ours, alone);
    return [{ ...cold, target: 0.5 }, rowOf('decision: the same, read before by this process', remembered, alone)];
  } finally {
    await log.close();
  }
}

function rowOf(name: string, ours: readonly number[], alone: readonly number[]): BenchRow {
  const row = { ours: rounded(median(ours)), peer: rounded(median(alone)), unit: 'decisions/s', limit: alone };
  const note = `ours ${spread(ours)}, limit ${spread(alone)}`;
  return { name, ...row, ratio: rounded(median(ours) / median(alone)), note };
}

interface World {
  log: EventLog;
  ids: Ids;
}

const streamOf = (id: string): string => `request-${id}`;

/** Each with notes until it has its twenty events. */
async function submitRequests({ log, ids }: World): Promise<string[]> {
  return many(REQUESTS, async () => {
    const id = ids.ulid(new Date(AT));
    const about = { requestId: id, tenantId: 'T', at: AT };
    const asked = { requester: { type: 'user', id: 'U' }, role: 'editor', target: { type: 'workspace', id: 'W' } };
    const submitted = eventOf('request-submitted.v1', { ...about, ...asked, until: null });
    const noted = Array.from({ length: EVENTS - 1 }, (_, index) =>
      eventOf('request-revocation-noted.v1', { ...about, revision: index + 2 }),
    );
    await log.append(streamOf(id), NO_STREAM, [submitted, ...noted]);
    return id;
  });
}

/** Decisions a second. */
function decideAll({ ids }: World, runtime: DeciderRuntime, requests: readonly string[]): Promise<number> {
  return perSecond((index) =>
    runtime.execute({
      ...{ stream: streamOf(requests[index]!), decider: requestStream, tenantId: 'T', context: contextOf(ids) },
      decide: (state) => decideRequest({ by: REVIEWER, verdict: 'approved', circumstances: ALL_WELL, at: AT }, state),
    }),
  );
}

function appendAlone({ log, ids }: World): Promise<number> {
  return perSecond(() => {
    const about = { requestId: ids.ulid(new Date(AT)), tenantId: 'T', by: REVIEWER, at: AT };
    const decided = [
      eventOf('approval-decision-recorded.v1', { ...about, verdict: 'approved' }),
      eventOf('request-approved.v1', { ...about, revision: 2 }),
    ];
    return log.append(streamOf(about.requestId), NO_STREAM, decided);
  });
}

async function perSecond(work: (index: number) => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  let next = 0;
  const client = async (): Promise<void> => {
    for (let index = next++; index < REQUESTS; index = next++) await work(index);
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return REQUESTS / ((performance.now() - startedAt) / 1_000);
}

function eventOf(type: string, data: EventToAppend['data']): EventToAppend {
  return anEvent({ type, data, metadata: someMetadata({ tenantId: 'T', at: AT }) });
}

function contextOf(ids: Ids): CommandContext {
  const [commandId, correlationId] = [ids.uuid(), ids.uuid()];
  const actor = { type: 'user' as const, id: REVIEWER.id };
  return { commandId, correlationId, actor, authentication: 'token', causationId: null, at: AT };
}
