import { Inject } from '@nestjs/common';
import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional } from 'class-validator';
import { type Expression, type Kysely, type SelectQueryBuilder, type SqlBool, sql } from 'kysely';
import { KYSELY, type Page, PageQuery, Paging, SIGNING_KEY } from '../edge/index.js';
import {
  type Actor,
  type ActorDetails,
  EventRegistry,
  type PersonalParts,
  type StoredEvent,
} from '../event-store/index.js';
import { isSealed } from '../personal-data/index.js';
import { IsIsoInstant, IsName, normaliseUlid } from '../platform/index.js';
import type { ListedAuditEntry } from './audit-documents.js';
import { withoutSecrets } from './audit-rendering.js';
import { namesOf, personKey } from './names-of.js';
import { type Seen, seenEntries } from './seen-entries.js';

interface AuditTable {
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
type ShownEvent = Pick<StoredEvent, 'id' | 'personal' | 'metadata'>;
/** Of an entry whose text is no event. */
const NOTHING = {} as StoredEvent['metadata'];
interface AuditTables {
  audit_entry: AuditTable;
}
type Entries<O> = SelectQueryBuilder<AuditTables, 'audit_entry', O>;
interface Wanted {
  chain: string;
  page: AuditLogQuery;
  /** Sequence of the last entry of the page before. */
  after: number | undefined;
  limit: number;
}

const LONGEST_WORD = 200;
const LONGEST_LIST = 2_000;
/** Entries in which those of a time are looked for first. */
const NEAR = 1_000;

export class AuditLogQuery extends PageQuery {
  @ApiPropertyOptional({ description: 'at this instant or later' })
  @IsOptional()
  @IsIsoInstant()
  from?: string;

  @ApiPropertyOptional({ description: 'before this instant' })
  @IsOptional()
  @IsIsoInstant()
  to?: string;

  @IsOptional()
  @IsName(LONGEST_WORD)
  @ApiPropertyOptional({ description: 'of what the entry is about', example: 'workspace' })
  resourceType?: string;

  @IsOptional()
  @IsName(LONGEST_WORD)
  @ApiPropertyOptional({ description: 'of what the entry is about' })
  resourceId?: string;

  @ApiPropertyOptional({
    enum: ['true', 'false'],
    description: 'with resourceType and resourceId: also what followed from those entries',
  })
  @IsOptional()
  @IsIn(['true', 'false'])
  consequences?: 'true' | 'false';

  @IsOptional()
  @IsName(LONGEST_LIST)
  @ApiPropertyOptional({ description: 'one action, or several with commas between them', example: 'tenant.renamed' })
  action?: string;

  @IsOptional()
  @IsName(LONGEST_WORD)
  @ApiPropertyOptional({ description: 'who acted; of a process its name' })
  actorId?: string;

  @IsOptional()
  @IsName(LONGEST_WORD)
  @ApiPropertyOptional({ description: 'what all that a call has caused has in common' })
  correlationId?: string;

  @ApiPropertyOptional({ enum: ['asc', 'desc'], default: 'desc', description: 'the oldest or the latest first' })
  @IsOptional()
  @IsIn(['asc', 'desc'])
  order: 'asc' | 'desc' = 'desc';
}

/** The entries of one chain. */
export class ListAuditEntries extends Query<Page<ListedAuditEntry>> {
  constructor(
    readonly chain: string,
    readonly page: AuditLogQuery,
    /** What the reader may see, where that is not all. */
    readonly seen?: Seen,
  ) {
    super();
  }
}

@QueryHandler(ListAuditEntries)
export class ListAuditEntriesHandler implements IQueryHandler<ListAuditEntries> {
  constructor(
    @Inject(KYSELY) private readonly db: Kysely<AuditTables>,
    @Inject(SIGNING_KEY) private readonly key: string,
    private readonly registry: EventRegistry,
  ) {}

  async execute({ chain, page, seen }: ListAuditEntries): Promise<Page<ListedAuditEntry>> {
    const paging = new Paging(this.key, `audit-log/${chain}`, page);
    const rows = await this.rows(chain, page, paging, seen);
    const opened = await this.opened(rows);
    const people = [...opened.values()].flatMap(({ metadata }) => metadata.actor?.onBehalfOf ?? []);
    const names = await namesOf(this.db, people);
    return paging.page(
      rows,
      (row) => listedEntry(row, opened.get(row)!, names),
      ({ sequence }) => [sequence],
    );
  }

  private rows(chain: string, page: AuditLogQuery, paging: Paging, seen?: Seen): Promise<AuditTable[]> {
    const wanted = { chain, page, after: paging.after?.[0] as number | undefined, limit: paging.limit + 1 };
    return this.narrowed(wanted, this.db.selectFrom('audit_entry').selectAll())
      .$if(seen !== undefined, (query) => query.where(this.isSeen(seen!, wanted)))
      .$if(seen === undefined && isOfATimeAlone(page), (query) => query.where(isAmongThoseOf(wanted)))
      .execute();
  }

  private narrowed<O>({ chain, page, after, limit }: Wanted, entries: Entries<O>): Entries<O> {
    return entries
      .where('chain', '=', chain)
      .$if(page.from !== undefined, (query) => query.where('at', '>=', page.from!))
      .$if(page.to !== undefined, (query) => query.where('at', '<', page.to!))
      .$if(page.action !== undefined, (query) => query.where('action', 'in', actionsOf(page.action!)))
      .$if(page.actorId !== undefined, (query) => query.where('actor_id', '=', idOf(page.actorId!)))
      .$if(page.correlationId !== undefined, (query) => query.where('correlation_id', '=', page.correlationId!))
      .$call((query) => {
        if (page.consequences === 'true') return query.where(followsFrom(chain, page));
        return query
          .$if(page.resourceType !== undefined, (narrowed) => narrowed.where('resource_type', '=', page.resourceType!))
          .$if(page.resourceId !== undefined, (narrowed) => narrowed.where('resource_id', '=', idOf(page.resourceId!)));
      })
      .$if(after !== undefined, (query) => query.where('sequence', page.order === 'asc' ? '>' : '<', after!))
      .orderBy('sequence', page.order)
      .limit(limit);
  }

  private isSeen(seen: Seen, wanted: Wanted): Expression<SqlBool> {
    const ofEach = seenEntries(wanted.chain, seen).map((isOfKind) =>
      this.narrowed(wanted, this.db.selectFrom('audit_entry').select('sequence')).where(isOfKind),
    );
    return sql<SqlBool>`sequence = any(array(${sql.join(ofEach, sql` union all `)}))`;
  }

  private async opened(rows: readonly AuditTable[]): Promise<Map<AuditTable, Opened>> {
    const events = rows.map(({ event }) => storedEvent(event));
    const parts = await this.registry.openParts(events);
    return new Map(rows.map((row, index) => [row, openedEntry(events[index]!, parts[index]!)]));
  }
}

function actionsOf(action: string): string[] {
  return action.split(',').map((one) => one.trim());
}

function idOf(text: string): string {
  return normaliseUlid(text) ?? text;
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

interface Opened {
  metadata: ShownEvent['metadata'];
  actor: ActorDetails;
  personal: object | null;
  erased: boolean;
}

/** What can't be opened, because somebody has tampered with it, is not shown; whether it was is up to the hashes. */
function openedEntry(stored: ShownEvent, { actor, personal }: PersonalParts): Opened {
  const { metadata } = stored;
  const gone = (before: unknown, now: unknown): boolean => isSealed(before) && now === undefined;
  return {
    metadata,
    actor: !actor || isSealed(actor) ? {} : actor,
    personal: personal && !isSealed(personal) ? (withoutSecrets(personal) as object) : null,
    erased: gone(metadata.personal, actor) || gone(stored.personal, personal),
  };
}

function listedEntry(
  row: AuditTable,
  { metadata, actor, personal, erased }: Opened,
  names: ReadonlyMap<string, string>,
): ListedAuditEntry {
  const { actorName = null, ip = null, userAgent = null } = actor;
  const person = metadata.actor?.onBehalfOf;
  const onBehalfOf = person && { ...person, displayName: names.get(personKey(person)) ?? null };
  return {
    sequence: row.sequence,
    at: row.at,
    action: row.action,
    actor: { type: row.actor_type, id: row.actor_id, displayName: actorName, ...(onBehalfOf && { onBehalfOf }) },
    resource: { type: row.resource_type, id: row.resource_id },
    oldValues: row.old_values,
    newValues: row.new_values,
    ip,
    userAgent,
    personal,
    erased,
    correlationId: row.correlation_id,
    causationId: metadata.causationId ?? null,
    commandId: row.command_id,
    eventId: row.event_id,
    position: row.position,
    hash: row.hash,
  };
}

/** An entry that somebody has tampered with is shown as far as it can be. */
function storedEvent(text: string): ShownEvent {
  try {
    const { id = '', personal, metadata } = JSON.parse(text) as Partial<ShownEvent>;
    return { id, personal, metadata: metadata ?? NOTHING };
  } catch {
    return { id: '', metadata: NOTHING };
  }
}
