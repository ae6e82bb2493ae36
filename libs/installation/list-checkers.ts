import { Inject } from '@nestjs/common';
import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import type { Kysely } from 'kysely';
import { KYSELY, type Page, PageQuery, Paging, SIGNING_KEY } from '../edge/index.js';
import type { CheckerResource } from './checkers.js';
import type { CheckerSubject } from './installation.decider.js';

interface CheckerTables {
  system_checker: { subject_type: CheckerSubject['type']; subject_id: string; since: string; revision: number };
  app_user: { id: string; display_name: string | null; active: boolean };
  service_account: { id: string; name: string };
}
export type ListedChecker = CheckerResource & { displayName: string | null; active: boolean; revision: number };

/** Who may ask what others may do, in every tenant. */
export class ListCheckers extends Query<Page<ListedChecker>> {
  constructor(readonly page: PageQuery) {
    super();
  }
}

@QueryHandler(ListCheckers)
export class ListCheckersHandler implements IQueryHandler<ListCheckers> {
  constructor(
    @Inject(KYSELY) private readonly db: Kysely<CheckerTables>,
    @Inject(SIGNING_KEY) private readonly key: string,
  ) {}

  async execute({ page }: ListCheckers): Promise<Page<ListedChecker>> {
    const paging = new Paging(this.key, 'system-checkers', page);
    const after = paging.after;
    const rows = await this.db
      .selectFrom('system_checker as c')
      .leftJoin('app_user as u', (join) => join.onRef('u.id', '=', 'c.subject_id').on('c.subject_type', '=', 'user'))
      .leftJoin('service_account as s', (join) =>
        join.onRef('s.id', '=', 'c.subject_id').on('c.subject_type', '=', 'service_account'),
      )
      .select(['c.subject_type', 'c.subject_id', 'c.since', 'c.revision', 'u.active'])
      .select((eb) => eb.fn.coalesce('u.display_name', 's.name').as('display_name'))
      .$if(after !== undefined, (query) => query.where('c.subject_id', '>', after![0] as string))
      .orderBy('c.subject_id')
      .limit(paging.limit + 1)
      .execute();
    return paging.page(
      rows,
      ({ subject_type: type, subject_id: id, since, revision, active, display_name: displayName }) => {
        return { id, subject: { type, id }, since, displayName, active: active ?? true, revision };
      },
      ({ subject_id }) => [subject_id],
    );
  }
}
