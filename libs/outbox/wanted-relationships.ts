import type { ClientBase } from 'pg';
import type { Recorded } from '../event-store/index.js';
import { askTogether, type Statements } from '../platform/core.js';
import { idOf, type SourceChange, tupleKey } from './relationship.js';
import { type EventSources, SourceFold, type SourceRow } from './source-fold.js';

/** With the sources that others are the holders of: as long as there is one of them, the tuple is wanted. */
const OF_HOLDERS = `tuple in (
  select tuple from relationship_source where source like '% %' and split_part(source, ' ', 1) = any($1))`;

export type SourceMapping = (event: Recorded) => readonly SourceChange[];

const SELECT = `select tuple, source, resource, subject, tenant_id as "tenantId", until, position,
  withdrawn from relationship_source`;

/**
 * Updates the sources of tuples and appends the effective changes to the outbox, in the caller's transaction.
 * @param writes on the same connection
 */
export async function foldRelationships(
  client: ClientBase,
  partition: number,
  events: readonly Recorded[],
  mapping: SourceMapping,
  writes: Statements = client,
): Promise<number> {
  const mapped: EventSources[] = events
    .map((event) => ({
      position: event.position,
      eventId: event.id,
      tenantId: event.metadata.tenantId,
      changes: mapping(event),
    }))
    .filter(({ changes }) => changes.length > 0);
  if (mapped.length === 0) return 0;
  const changes = mapped.flatMap((event) => event.changes);
  const [closed, suspended, affected] = await askTogether(
    client,
    () => closedTenants(client, mapped),
    () => suspendedSubjects(client, changes),
    () => affectedRows(client, changes),
  );
  const alreadyClosed = new Set(closed);
  const alreadySuspended = new Set(suspended);
  const fold = new SourceFold(affected, closed, suspended);
  for (const event of mapped) fold.apply(event);
  await writeSources(writes, fold);
  await writeClosed(
    writes,
    [...closed].filter((tenant) => !alreadyClosed.has(tenant)),
    events.at(-1)!.position,
  );
  await writeSuspended(writes, alreadySuspended, suspended);
  await writeSettled(writes, fold);
  await writeChanges(writes, partition, fold);
  return fold.effective.length;
}

async function closedTenants(client: ClientBase, events: readonly EventSources[]): Promise<Set<string>> {
  const restored = events.flatMap(({ changes }) =>
    changes.flatMap((change) => ('restore' in change ? [change.tenantId] : [])),
  );
  const named = [...events.map(({ tenantId }) => tenantId), ...restored];
  const tenants = [...new Set(named.filter((id) => id !== null))];
  const { rows } = await client.query<{ tenant_id: string }>({
    name: 'closed-tenants',
    text: 'select tenant_id from closed_tenant where tenant_id = any($1)',
    values: [tenants],
  });
  return new Set(rows.map((row) => row.tenant_id));
}

async function suspendedSubjects(client: ClientBase, changes: readonly SourceChange[]): Promise<Set<string>> {
  const subjects = changes.flatMap((change) => {
    if ('want' in change) return [change.want.subject];
    if ('suspend' in change) return [change.suspend];
    if ('reinstate' in change) return [change.reinstate];
    return 'restore' in change ? [change.restore] : [];
  });
  if (subjects.length === 0) return new Set();
  const { rows } = await client.query<{ subject: string }>({
    name: 'suspended-subjects',
    text: 'select subject from suspended_subject where subject = any($1)',
    values: [[...new Set(subjects)]],
  });
  return new Set(rows.map(({ subject }) => subject));
}

async function affectedRows(client: ClientBase, changes: readonly SourceChange[]): Promise<SourceRow[]> {
  const tuples = changes.flatMap((change) => {
    if ('want' in change) return [tupleKey(change.want)];
    if ('end' in change) return [tupleKey(change.end)];
    if ('settle' in change) return change.resend === undefined ? [] : [change.resend];
    return 'endTuple' in change ? [tupleKey(change.endTuple)] : [];
  });
  const objects = changes.flatMap((change) => ('endObject' in change ? [change.endObject] : []));
  const withdrawn = changes.flatMap((change) => {
    if ('suspend' in change) return [change.suspend];
    return 'restore' in change ? [change.restore] : [];
  });
  const subjects = changes.flatMap((change) => ('endSubject' in change ? [change] : []));
  const found = new Map<string, SourceRow>();
  const collect = async (condition: string, values: unknown[]): Promise<void> => {
    const { rows } = await client.query<SourceRow>(`${SELECT} where ${condition}`, values);
    for (const row of rows) found.set(JSON.stringify([row.tuple, row.source]), row);
  };
  if (tuples.length > 0) await collect('tuple = any($1)', [[...new Set(tuples)]]);
  if (objects.length > 0) {
    await collect('resource = any($1)', [objects]);
    await collect(`split_part(subject, '#', 1) = any($1)`, [objects]);
    const parts = `resource like '%/%' and split_part(split_part(resource, ':', 2), '/', 1) = any($1)`;
    await collect(parts, [objects.map(idOf)]);
    await collect(OF_HOLDERS, [objects]);
  }
  if (withdrawn.length > 0) {
    await collect(`split_part(subject, '#', 1) = any($1) and subject = any($1)`, [withdrawn]);
  }
  if (subjects.length > 0) {
    const names = subjects.map(({ endSubject }) => endSubject);
    await collect('(tenant_id, subject) in (select * from unnest($1::text[], $2::text[]))', [
      subjects.map(({ tenantId }) => tenantId),
      names,
    ]);
    await collect(OF_HOLDERS, [names]);
  }
  return [...found.values()];
}

async function writeSources(client: Statements, { removals, writes }: SourceFold): Promise<void> {
  if (removals.length > 0) {
    await client.query(
      `delete from relationship_source s using unnest($1::text[], $2::text[]) as gone(tuple, source)
       where s.tuple = gone.tuple and s.source = gone.source`,
      [removals.map(({ tuple }) => tuple), removals.map(({ source }) => source)],
    );
  }
  if (writes.length === 0) return;
  await client.query({
    name: 'write-sources',
    text: `insert into relationship_source (tuple, source, resource, subject, tenant_id, until, position, withdrawn)
     select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::bigint[],
       $8::boolean[])
     on conflict (tuple, source) do update
       set until = excluded.until, position = excluded.position, tenant_id = excluded.tenant_id,
           withdrawn = excluded.withdrawn`,
    values: [
      writes.map(({ tuple }) => tuple),
      writes.map(({ source }) => source),
      writes.map(({ resource }) => resource),
      writes.map(({ subject }) => subject),
      writes.map(({ tenantId }) => tenantId),
      writes.map(({ until }) => until),
      writes.map(({ position }) => position),
      writes.map(({ withdrawn }) => withdrawn),
    ],
  });
}

async function writeSuspended(
  client: Statements,
  before: ReadonlySet<string>,
  now: ReadonlySet<string>,
): Promise<void> {
  const added = [...now].filter((subject) => !before.has(subject));
  const gone = [...before].filter((subject) => !now.has(subject));
  if (added.length > 0) {
    await client.query('insert into suspended_subject (subject) select unnest($1::text[]) on conflict do nothing', [
      added,
    ]);
  }
  if (gone.length > 0) await client.query('delete from suspended_subject where subject = any($1)', [gone]);
}

async function writeClosed(client: Statements, tenants: readonly string[], position: number): Promise<void> {
  if (tenants.length === 0) return;
  await client.query(
    'insert into closed_tenant (tenant_id, position) select unnest($1::text[]), $2 on conflict do nothing',
    [tenants, position],
  );
}

async function writeSettled(client: Statements, { settled }: SourceFold): Promise<void> {
  if (settled.length === 0) return;
  await client.query(
    `update parked set status = s.status, resolved_at = clock_timestamp(), resolved_by = s.by
     from unnest($1::text[], $2::text[], $3::text[]) as s(id, status, by) where parked.id = s.id`,
    [settled.map(({ settle }) => settle), settled.map((change) => change.as), settled.map(({ by }) => by)],
  );
}

async function writeChanges(client: Statements, partition: number, { effective }: SourceFold): Promise<void> {
  if (effective.length === 0) return;
  await client.query({
    name: 'write-changes',
    text: `insert into relationship_change (partition, position, sequence, event_id, tuple, operation, expires_at)
     select $1, * from unnest($2::bigint[], $3::integer[], $4::uuid[], $5::text[], $6::text[], $7::timestamptz[])`,
    values: [
      partition,
      effective.map(({ position }) => position),
      effective.map((_, index) => index),
      effective.map(({ eventId }) => eventId),
      effective.map(({ tuple }) => tuple),
      effective.map(({ operation }) => operation),
      effective.map(({ expiresAt }) => expiresAt),
    ],
  });
}
