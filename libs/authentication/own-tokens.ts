import { createHash, timingSafeEqual } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { Pool } from 'pg';
import { POOL, type Principal } from '../edge/index.js';
import {
  CLOCK,
  type Clock,
  Gathered,
  matchesHmac,
  type ParsedToken,
  type Pepper,
  Refused,
  tokenHmac,
  type TokenKind,
} from '../platform/index.js';
import { ADMIN_TOKEN, TOKEN_PEPPERS } from '../tokens/index.js';
import type { Bearer } from './bearer.js';
import { CredentialUses } from './credential-uses.js';

interface Holder {
  holderId: string;
  name: string | null;
}
interface StoredToken extends Holder {
  active: boolean;
  hmac: string;
  expiresAt: string | null;
  revokedAt: string | null;
  /** Id of the tenant that it is for. */
  onlyIn?: string;
}

const REMEMBERED = 20_000;

/** Tokens that were issued here, and the configured one of the built-in administrator. */
@Injectable()
export class OwnTokens {
  /** What the secret of an unknown token is compared with, so that it takes as long as a known one. */
  private readonly decoy: string;
  /** Token id → what never changes of a token, of those that were good when they were last looked at. */
  private readonly lastSeen = new LRUCache<string, { hmac: string; principal: Principal }>({ max: REMEMBERED });
  private readonly stored = {
    pat: new Gathered((ids: readonly string[]) => this.find('pat', ids), 2),
    sat: new Gathered((ids: readonly string[]) => this.find('sat', ids), 2),
    key: new Gathered((ids: readonly string[]) => this.find('key', ids), 2),
  };

  constructor(
    @Inject(POOL) private readonly pool: Pool,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(TOKEN_PEPPERS) private readonly peppers: readonly [Pepper, ...Pepper[]],
    @Inject(ADMIN_TOKEN) private readonly adminToken: string | undefined,
    private readonly uses: CredentialUses,
  ) {
    this.decoy = tokenHmac('', peppers[0]);
  }

  isAdminToken({ token, kind }: Bearer): boolean {
    if (this.adminToken === undefined) return false;
    return timingSafeEqual(digest(token), digest(this.adminToken)) && kind !== 'sat';
  }

  /** @throws Refused `not-yet` while the first start is under way */
  async administrator(): Promise<Principal> {
    const { rows } = await this.pool.query<Holder>(
      'select id as "holderId", coalesce(display_name, email) as name from app_user where built_in',
    );
    const [admin] = rows;
    if (!admin) throw new Refused('not-yet', 'the installation is being set up');
    return { type: 'user', id: admin.holderId, name: admin.name, authentication: 'admin-token' };
  }

  /** Whose token it is, by its secret, where it was good when it was last looked at: it proves nothing about now. */
  lastHolderOf({ id, secret }: ParsedToken): Principal | undefined {
    const seen = this.lastSeen.get(id);
    return seen && matchesHmac(secret, seen.hmac, this.peppers) ? seen.principal : undefined;
  }

  /** @throws Refused `unauthenticated` */
  async holderOf(token: ParsedToken): Promise<Principal> {
    const stored = await this.stored[token.kind].ask(token.id);
    this.lastSeen.delete(token.id);
    const principal = this.principalOf(token, stored);
    const { type, id, authentication, onlyIn } = principal;
    // A key serves in its tenant alone, which is told before anything is proven.
    if (onlyIn === undefined) {
      this.lastSeen.set(token.id, { hmac: stored!.hmac, principal: { type, id, name: null, authentication } });
    }
    return principal;
  }

  private principalOf({ kind, id, secret }: ParsedToken, stored: StoredToken | undefined): Principal {
    const genuine = matchesHmac(secret, stored?.hmac ?? this.decoy, this.peppers);
    if (!stored || !genuine) throw notValid();
    const { revokedAt, expiresAt, active, holderId, name, onlyIn } = stored;
    if (revokedAt !== null) throw new Refused('unauthenticated', 'the token was revoked');
    if (expiresAt !== null && Date.parse(expiresAt) <= this.clock.now().getTime()) {
      throw new Refused('unauthenticated', 'the token has expired');
    }
    if (!active) throw new Refused('unauthenticated', 'the user is not active');
    this.uses.note(id);
    const authentication = kind === 'key' ? 'api-key' : 'token';
    return { type: HOLDER[kind], id: holderId, name, authentication, ...(onlyIn && { onlyIn }) };
  }

  private async find(kind: TokenKind, tokenIds: readonly string[]): Promise<(StoredToken | undefined)[]> {
    // Prepared: planning it takes longer than carrying it out.
    const { rows } = await this.pool.query<StoredToken & { id: string }>({
      name: `stored-${kind}`,
      text: STORED[kind],
      values: kind === 'key' ? [tokenIds, this.clock.now().toISOString()] : [tokenIds],
    });
    const found = new Map(rows.map((row) => [row.id, row]));
    return tokenIds.map((id) => found.get(id));
  }
}

const HOLDER = { pat: 'user', sat: 'service_account', key: 'user' } as const;

const STORED: Readonly<Record<TokenKind, string>> = {
  pat: `select t.id, t.hmac, t.expires_at as "expiresAt", t.revoked_at as "revokedAt",
               u.id as "holderId", coalesce(u.display_name, u.email) as name, u.active
        from token t join app_user u on u.id = t.user_id where t.id = any($1)`,
  // A tenant that is being deleted has no row any more, and so its service accounts no tokens.
  sat: `select t.id, t.hmac, t.expires_at as "expiresAt", t.revoked_at as "revokedAt",
               a.id as "holderId", a.name, true as active
        from service_account_token t join service_account a on a.id = t.service_account_id
        join tenant on tenant.id = a.tenant_id where t.id = any($1)`,
  // For members alone: a membership that ends by time ends its keys before the expiry is on record.
  key: `select k.id, k.hmac, k.expires_at as "expiresAt", k.revoked_at as "revokedAt", k.tenant_id as "onlyIn",
               u.id as "holderId", coalesce(u.display_name, u.email) as name, u.active
        from api_key k join app_user u on u.id = k.user_id join tenant on tenant.id = k.tenant_id
        where k.id = any($1) and exists (
          select from assignment a where a.tenant_id = k.tenant_id and a.subject_id = k.user_id
            and a.target_type = 'tenant' and a.role in ('admin', 'member')
            and (a.until is null or a.until > $2::timestamptz))`,
};

export function notValid(): Refused {
  return new Refused('unauthenticated', 'the token is not valid');
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
