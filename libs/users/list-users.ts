import { Inject } from '@nestjs/common';
import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import type { Kysely } from 'kysely';
import { KYSELY, type Page, PageQuery, Paging, SIGNING_KEY } from '../edge/index.js';
import type { UserStatus } from './user.decider.js';
import type { UserResource } from './user-streams.js';

interface UserTable {
  id: string;
  display_name: string | null;
  email: string | null;
  issuer: string | null;
  external_subject: string | null;
  active: boolean;
  status: UserStatus;
  built_in: boolean;
  created_at: string;
  updated_at: string;
  revision: number;
}
export interface UserTables {
  app_user: UserTable;
}
export type ListedUser = UserResource & { revision: number };

function listedUser(row: UserTable): ListedUser {
  const { id, display_name: displayName, email, issuer, external_subject: subject, status, active, revision } = row;
  const externalIdentity = issuer !== null && subject !== null ? { issuer, subject } : null;
  const times = { createdAt: row.created_at, updatedAt: row.updated_at };
  return { id, displayName, email, externalIdentity, status, active, ...times, revision };
}

/** All users, the suspended and the deactivated ones too. */
export class ListUsers extends Query<Page<ListedUser>> {
  constructor(readonly page: PageQuery & { active?: boolean; status?: UserStatus; email?: string }) {
    super();
  }
}

@QueryHandler(ListUsers)
export class ListUsersHandler implements IQueryHandler<ListUsers> {
  constructor(
    @Inject(KYSELY) private readonly db: Kysely<UserTables>,
    @Inject(SIGNING_KEY) private readonly key: string,
  ) {}

  async execute({ page }: ListUsers): Promise<Page<ListedUser>> {
    const paging = new Paging(this.key, 'users', page);
    const after = paging.after;
    const rows = await this.db
      .selectFrom('app_user')
      .selectAll()
      .$if(page.active !== undefined, (query) => query.where('active', '=', page.active!))
      .$if(page.status !== undefined, (query) => query.where('status', '=', page.status!))
      .$if(page.email !== undefined, (query) => query.where('email', '=', page.email!))
      .$if(after !== undefined, (query) => query.where('id', '>', after![0] as string))
      .orderBy('id')
      .limit(paging.limit + 1)
      .execute();
    return paging.page(rows, listedUser, ({ id }) => [id]);
  }
}

/** One user; undefined where none has the id. */
export class GetUser extends Query<ListedUser | undefined> {
  constructor(readonly userId: string) {
    super();
  }
}

@QueryHandler(GetUser)
export class GetUserHandler implements IQueryHandler<GetUser> {
  constructor(@Inject(KYSELY) private readonly db: Kysely<UserTables>) {}

  async execute({ userId }: GetUser): Promise<ListedUser | undefined> {
    const row = await this.db.selectFrom('app_user').selectAll().where('id', '=', userId).executeTakeFirst();
    return row && listedUser(row);
  }
}
