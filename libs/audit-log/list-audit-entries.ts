import { Inject } from '@nestjs/common';
import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import type { Kysely } from 'kysely';
import { KYSELY, type Page, Paging, SIGNING_KEY } from '../edge/index.js';
import { EventRegistry } from '../event-store/index.js';
import type { ListedAuditEntry } from './audit-documents.js';
import type { AuditLogQuery } from './audit-log-query.js';
import { type AuditTables, type EntryRow, findEntries } from './find-entries.js';
import { listedEntry, openedEntry, type OpenedEntry, storedEvent } from './listed-entry.js';
import { namesOf } from './names-of.js';
import type { Seen } from './seen-entries.js';

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
    const after = paging.after?.[0] as number | undefined;
    const rows = await findEntries(this.db, { chain, page, after, limit: paging.limit + 1 }, seen);
    const opened = await this.opened(rows);
    const people = [...opened.values()].flatMap(({ metadata }) => metadata.actor?.onBehalfOf ?? []);
    const names = await namesOf(this.db, people);
    return paging.page(
      rows,
      (row) => listedEntry(row, opened.get(row)!, names),
      ({ sequence }) => [sequence],
    );
  }

  private async opened(rows: readonly EntryRow[]): Promise<Map<EntryRow, OpenedEntry>> {
    const events = rows.map(({ event }) => storedEvent(event));
    const parts = await this.registry.openParts(events);
    return new Map(rows.map((row, index) => [row, openedEntry(events[index]!, parts[index]!)]));
  }
}
