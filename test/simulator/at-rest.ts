import type { Pool } from 'pg';
import type { StoredEvent } from '../../libs/event-store/index.js';
import type { Domain } from '../../libs/projections/index.js';
import { checkInvariants } from '../../libs/verification/index.js';
import { definitionsOf } from '../../libs/verification/schema-types.js';
import { Violation } from './effects-oracle.js';
import { type SimulatedLog, SimulatedLogClient } from './simulated-log.js';
import { type SimulatedSpiceDb, simulatedSpiceDbClient } from './simulated-spicedb.js';

export interface WorldAtRest {
  domain: Domain;
  log: SimulatedLog;
  pool: Pool;
  spicedb: SimulatedSpiceDb;
  now: () => Date;
  /** Whether a relay that ignores sources is at work: its rows are other than they should be, whatever they do. */
  withoutSources: boolean;
}

/**
 * What `operator verify` checks, and that everything that was begun is done.
 * @throws Violation
 */
export async function checkAtRest({ domain, log, pool, spicedb, now, withoutSources }: WorldAtRest): Promise<void> {
  checkAppends(log.events);
  checkFollowUps(log.events);
  const report = await checkInvariants({
    ...{ log: new SimulatedLogClient(log), pool, spicedb: simulatedSpiceDbClient(spicedb), domain, partition: 0 },
    ...{ clock: { now }, settleMs: 0, types: definitionsOf(spicedb.schema) },
  });
  const [broken] = report.checks.filter(({ ok, promise }) => !ok && !(withoutSources && promise === 'P3'));
  if (broken) {
    const shown = JSON.stringify(broken.differences.slice(0, 3));
    throw new Violation(broken.promise, `${broken.name}: ${broken.count} differences, such as ${shown}`);
  }
}

/** P1: what a command puts into a stream is there once, in one piece. */
function checkAppends(events: readonly StoredEvent[]): void {
  const seen = new Set<string>();
  const last = new Map<string, number>();
  for (const { id, stream, revision, metadata, type } of events) {
    if (seen.has(`${stream} ${id}`)) throw new Violation('P1', `event ${id} (${type}) is in ${stream} twice`);
    seen.add(`${stream} ${id}`);
    const append = `${stream} ${metadata.commandId}`;
    const before = last.get(append);
    if (before !== undefined && revision !== before + 1) {
      throw new Violation('P1', `command ${metadata.commandId} has put events into ${stream} twice (${type})`);
    }
    last.set(append, revision);
  }
}

const PLAIN = (name: string) => (event: StoredEvent) => event.data[name] as string;

/** An event of the first type is followed by one of the others, about the same thing. */
const FOLLOWED: readonly [type: string, about: (event: StoredEvent) => string, by: readonly string[]][] = [
  ['tenant-deletion-started.v1', PLAIN('tenantId'), ['tenant-deleted.v1']],
  ['role-request-opened.v1', PLAIN('requestId'), ['request-submitted.v1']],
  ['request-rejected.v1', PLAIN('requestId'), ['role-request-closed.v1']],
  ['request-withdrawn.v1', PLAIN('requestId'), ['role-request-closed.v1']],
  ['request-closed.v1', PLAIN('requestId'), ['role-request-closed.v1']],
];

/** What a crash interrupts is completed: P11. */
function checkFollowUps(events: readonly StoredEvent[]): void {
  for (const [first, about, by] of FOLLOWED) {
    for (const event of events.filter(({ type }) => type === first)) {
      const thing = about(event);
      if (events.some((later) => by.includes(later.type) && about(later) === thing)) continue;
      throw new Violation('P11', `${first} of ${thing} at ${event.position} is not followed by ${by.join(' or ')}`);
    }
  }
  for (const { data, position } of events.filter(({ type }) => type === 'request-approved.v1')) {
    const id = data['requestId'] as string | undefined;
    if (id === undefined) continue;
    const done = events.some(
      (later) =>
        (['role-granted.v1', 'tenant-admin-granted.v1'].includes(later.type) &&
          later.data['source'] === `request:${id}`) ||
        (later.type === 'request-grant-ended.v1' && later.data['requestId'] === id),
    );
    if (!done) throw new Violation('P11', `request ${id}, approved at ${position}, has neither a grant nor an end`);
  }
}
