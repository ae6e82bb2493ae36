import { type Expression, type Kysely, type SelectQueryBuilder, type SqlBool, sql } from 'kysely';
import type { Actor } from '../event-store/index.js';
import { normaliseUlid } from '../platform/index.js';
import type { AuditLogQuery } from './audit-log-query.js';
import { type Seen, seenEntries } from './seen-entries.js';

export interface EntryRow {
  chain: string;
  sequence: number;
  position: number;
  event_id: string;
  action: string;
  resource_type: string;
  resource_id: string;
  actor_type: Actor['type'];
  actor_id: string;
  at: string;
  old_values: object | null;
  new_values: object | null;
  correlation_id: string;
  command_id: string;
  event: string;
  hash: string;
}
export interface AuditTables {
  audit_entry: EntryRow;
}
type Entries<O> = SelectQueryBuilder<AuditTables, 'audit_entry', O>;
interface Wanted {
  chain: string;
  page: AuditLogQuery;
  /** Sequence of the last entry of the page before. */
  after: number | undefined;
  limit: number;
}

/** Entries in which those of a time are looked for first. */
const NEAR = 1_000;

/** @param seen what the reader may see, where that is not all */
export function findEntries(db: Kysely<AuditTables>, wanted: Wanted, seen?: Seen): Promise<EntryRow[]> {
  return narrowed(wanted, db.selectFrom('audit_entry').selectAll())
    .$if(seen !== undefined, (query) => query.where(isSeen(db, wanted, seen!)))
    .$if(seen === undefined && isOfATimeAlone(wanted.page), (query) => query.where(isAmongThoseOf(wanted)))
    .execute();
}

function narrowed<O>({ chain, page, after, limit }: Wanted, entries: Entries<O>): Entries<O> {
  return entries
    .where('chain', '=', chain)
    .$if(page.from !== undefined, (query) => query.where('at', '>=', page.from!))
    .$if(page.to !== undefined, (query) => query.where('at', '<', page.to!))
    .$if(page.action !== undefined, (query) => query.where('action', 'in', actionsOf(page.action!)))
    .$if(page.actorId !== undefined, (query) => query.where('actor_id', '=', idOf(page.actorId!)))
    .$if(page.correlationId !== undefined, (query) => query.where('correlation_id', '=', page.correlationId!))
    .$call((query) => {
      if (page.consequences) return query.where(followsFrom(chain, page));
      return query
        .$if(page.resourceType !== undefined, (some) => some.where('resource_type', '=', page.resourceType!))
        .$if(page.resourceId !== undefined, (some) => some.where('resource_id', '=', idOf(page.resourceId!)));
    })
    .$if(after !== undefined, (query) => query.where('sequence', page.order === 'asc' ? '>' : '<', after!))
    .orderBy('sequence', page.order)
    .limit(limit);
}

function actionsOf(action: string): string[] {
  return action.split(',').map((one) => one.trim());
}

function idOf(text: string): string {
  return normaliseUlid(text) ?? text;
}

function isSeen(db: Kysely<AuditTables>, wanted: Wanted, seen: Seen): Expression<SqlBool> {
  const ofEach = seenEntries(wanted.chain, seen).map((isOfKind) =>
    narrowed(wanted, db.selectFrom('audit_entry').select('sequence')).where(isOfKind),
  );
  return sql<SqlBool>`sequence = any(array(${sql.join(ofEach, sql` union all `)}))`;
}

/** The entries of a resource, and those of events that were caused by their events, and so on. */
function followsFrom(chain: string, { resourceType, resourceId }: AuditLogQuery): Expression<SqlBool> {
  return sql<SqlBool>`sequence = any(array(
    with recursive followed(event_id, correlation_id, sequence) as (
      select event_id, correlation_id, sequence from audit_entry
      where chain = ${chain} and resource_type = ${resourceType} and resource_id = ${idOf(resourceId!)}
      union
      select e.event_id, e.correlation_id, e.sequence from followed f join audit_entry e
        on e.chain = ${chain} and e.correlation_id = f.correlation_id
        and strpos(e.event, '"causationId":"' || f.event_id || '"') > 0)
    select sequence from followed))`;
}

function isOfATimeAlone({ from, to, ...filters }: AuditLogQuery): boolean {
  const { action, actorId, correlationId, resourceType, resourceId, consequences } = filters;
  const narrower = [action, actorId, correlationId, resourceType, resourceId, consequences];
  return (from !== undefined || to !== undefined) && narrower.every((filter) => filter === undefined);
}

/**
 * The entries of a time. Times follow the order of the chain nearly, not exactly: where the nearest entries don't fill the
 * page, the rest is found in the index of times alone. Without the sum PostgreSQL would read the chain from its other end
 * until it comes to the time.
 */
function isAmongThoseOf({ chain, page, after, limit }: Wanted): Expression<SqlBool> {
  const { from = '-infinity', to = 'infinity', order } = page;
  const [beyond, direction] = order === 'asc' ? [sql`>`, sql`asc`] : [sql`<`, sql`desc`];
  const rest = after === undefined ? sql`` : sql`and sequence ${beyond} ${after}`;
  return sql<SqlBool>`sequence = any((
    with near as materialized (
      select sequence from (
        select sequence, at from audit_entry where chain = ${chain} ${rest}
        order by sequence ${direction} limit ${NEAR}) entry
      where at >= ${from} and at < ${to} order by sequence ${direction} limit ${limit})
    select case when (select count(*) from near) = ${limit} then array(select sequence from near) else array(
      select sequence from audit_entry where chain = ${chain} and at >= ${from} and at < ${to} ${rest}
      order by sequence + 0 ${direction} limit ${limit}) end)::bigint[])`;
}
