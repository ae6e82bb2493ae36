import { Inject } from '@nestjs/common';
import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import type { Kysely } from 'kysely';
import { KYSELY, type Page, PageQuery, Paging, SIGNING_KEY } from '../edge/index.js';
import type { TokenResource } from './user-tokens-stream.js';

interface TokenTable {
  id: string;
  user_id: string;
  name: string;
  hmac: string;
  created_at: string;
  created_by: string;
  expires_at: string | null;
  revoked_at: string | null;
  revision: number;
}
export interface TokenTables {
  token: TokenTable;
}
export type ListedToken = TokenResource & { revision: number };
const SHOWN = ['id', 'user_id', 'name', 'created_at', 'created_by', 'expires_at', 'revoked_at', 'revision'] as const;

function listedToken(row: Omit<TokenTable, 'hmac'>): ListedToken {
  const { id, user_id: userId, name, created_by: createdBy, revision } = row;
  const times = { createdAt: row.created_at, expiresAt: row.expires_at, revokedAt: row.revoked_at };
  return { id, userId, name, createdBy, ...times, revision };
}

/** The tokens of a user, those that do not work any more too. */
export class ListTokens extends Query<Page<ListedToken>> {
  constructor(
    readonly userId: string,
    readonly page: PageQuery,
  ) {
    super();
  }
}

@QueryHandler(ListTokens)
export class ListTokensHandler implements IQueryHandler<ListTokens> {
  constructor(
    @Inject(KYSELY) private readonly db: Kysely<TokenTables>,
    @Inject(SIGNING_KEY) private readonly key: string,
  ) {}

  async execute({ userId, page }: ListTokens): Promise<Page<ListedToken>> {
    const paging = new Paging(this.key, `tokens/${userId}`, page);
    const after = paging.after;
    const rows = await this.db
      .selectFrom('token')
      .select(SHOWN)
      .where('user_id', '=', userId)
      .$if(after !== undefined, (query) => query.where('id', '>', after![0] as string))
      .orderBy('id')
      .limit(paging.limit + 1)
      .execute();
    return paging.page(rows, listedToken, ({ id }) => [id]);
  }
}
