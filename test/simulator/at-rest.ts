import type { Pool } from 'pg';
import type { StoredEvent } from '../../libs/event-store/index.js';
import { ADMIN_SOURCE_PREFIX } from '../../libs/tenants/index.js';
import type { Domain } from '../../libs/projections/index.js';
import { checkInvariants } from '../../libs/verification/index.js';
import { definitionsOf } from '../../libs/verification/schema-types.js';
import { goneBy, Violation } from './effects-oracle.js';
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
  checkGoneWithTenant(log.events);
  if (!withoutSources) await checkSubjects(log.events, pool);
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
  ['role-deletion-started.v1', PLAIN('roleId'), ['role-deleted.v1', 'role-deletion-stopped.v1']],
  ['role-deleted.v1', PLAIN('roleId'), ['role-name-released.v1']],
];

/** What a deleted tenant leaves nothing of. */
const IN_TENANT: readonly [created: string, about: (event: StoredEvent) => string, deleted: string][] = [
  ['role-created.v1', PLAIN('roleId'), 'role-deleted.v1'],
  ['service-account-created.v1', PLAIN('serviceAccountId'), 'service-account-deleted.v1'],
];

/** P11: a tenant takes along what is in it, also what was made while it went. */
function checkGoneWithTenant(events: readonly StoredEvent[]): void {
  const tenants = new Set(events.filter(({ type }) => type === 'tenant-deleted.v1').map(PLAIN('tenantId')));
  for (const [created, about, deleted] of IN_TENANT) {
    const gone = new Set(events.filter(({ type }) => type === deleted).map(about));
    for (const event of events) {
      if (event.type !== created || !tenants.has(PLAIN('tenantId')(event)) || gone.has(about(event))) continue;
      throw new Violation('P11', `${created} of ${about(event)} at ${event.position} outlives its tenant`);
    }
  }
}

/**
 * P4: of who is gone nothing is wanted, and of others who are not suspended nothing is withdrawn. A tenant keeps its last
 * admin on record, who holds nothing by that.
 */
async function checkSubjects(events: readonly StoredEvent[], pool: Pool): Promise<void> {
  const gone = events.flatMap((event) => goneBy(event) ?? []);
  const { rows } = await pool.query<{ tuple: string; source: string }>(
    `select tuple, source from relationship_source w
     where case when subject = any($1) then not (withdrawn and starts_with(source, $2))
       else withdrawn and not exists (select from suspended_subject s where s.subject = w.subject)
         and not exists (select from closed_tenant c where c.tenant_id = w.tenant_id) end`,
    [gone, ADMIN_SOURCE_PREFIX],
  );
  const [left] = rows;
  if (left) throw new Violation('P4', `${left.source} wants ${left.tuple}, of who is gone, or not given back`);
}

/** What a crash interrupts is completed: P11. */
function checkFollowUps(events: readonly StoredEvent[]): void {
  for (const [first, about, by] of FOLLOWED) {
    for (const event of events.filter(({ type }) => type === first)) {
      const thing = about(event);
      const follows = (later: StoredEvent): boolean =>
        later.position > event.position && by.includes(later.type) && about(later) === thing;
      if (events.some(follows)) continue;
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
