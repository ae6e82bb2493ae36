import { createHash, timingSafeEqual } from 'node:crypto';
import { type CanActivate, type ExecutionContext, Inject, Injectable, SetMetadata } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Pool } from 'pg';
import { ConsistencyTokens, header, POOL, type Principal } from '../edge/index.js';
import { CLOCK, type Clock, matchesHmac, parseToken, type Pepper, Refused, tokenHmac } from '../platform/index.js';
import { type Bearer, parseBearer } from './bearer.js';
import { ADMIN_TOKEN, TOKEN_PEPPERS } from './secrets.js';

interface Holder {
  userId: string;
  displayName: string | null;
}
interface StoredToken extends Holder {
  active: boolean;
  hmac: string;
  expiresAt: string | null;
  revokedAt: string | null;
}

const PUBLIC = 'public-route';

/** Declares a route that anybody may call. */
export const Public = () => SetMetadata(PUBLIC, true);

export function isPublic(...places: object[]): boolean {
  return places.some((place) => Reflect.getMetadata(PUBLIC, place) === true);
}

/** Finds out who calls; nobody gets past it unknown but on public routes. */
@Injectable()
export class AuthenticationGuard implements CanActivate {
  /** What the secret of an unknown token is compared with, so that it takes as long as a known one. */
  private readonly decoy: string;

  constructor(
    private readonly consistency: ConsistencyTokens,
    @Inject(POOL) private readonly pool: Pool,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(TOKEN_PEPPERS) private readonly peppers: readonly [Pepper, ...Pepper[]],
    @Inject(ADMIN_TOKEN) private readonly adminToken: string | undefined,
  ) {
    this.decoy = tokenHmac('', peppers[0]);
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (isPublic(context.getHandler(), context.getClass())) return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    request.principal = await this.authenticate(request);
    return true;
  }

  /** @throws Refused `unauthenticated` */
  private async authenticate(request: FastifyRequest): Promise<Principal> {
    const bearer = parseBearer(header(request, 'authorization'));
    if (!bearer) throw new Refused('unauthenticated');
    if (this.isAdminToken(bearer)) {
      await this.catchUp(request);
      return this.administrator();
    }
    const parsed = parseToken(bearer.token);
    if (!parsed || parsed.kind !== (bearer.kind ?? parsed.kind)) throw notValid();
    await this.catchUp(request);
    const stored = parsed.kind === 'pat' ? await this.find(parsed.id) : undefined;
    const genuine = matchesHmac(parsed.secret, stored?.hmac ?? this.decoy, this.peppers);
    if (!stored || !genuine) throw notValid();
    return this.holderOf(stored);
  }

  private holderOf({ revokedAt, expiresAt, active, userId, displayName }: StoredToken): Principal {
    if (revokedAt !== null) throw new Refused('unauthenticated', 'the token was revoked');
    if (expiresAt !== null && Date.parse(expiresAt) <= this.clock.now().getTime()) {
      throw new Refused('unauthenticated', 'the token has expired');
    }
    if (!active) throw new Refused('unauthenticated', 'the user is not active');
    return { type: 'user', id: userId, name: displayName, authentication: 'token' };
  }

  /** A token that was just issued or revoked counts for who has heard of it. */
  private async catchUp(request: FastifyRequest): Promise<void> {
    const token = header(request, 'consistency-token');
    if (token !== undefined) await this.consistency.await(token, 'projected');
  }

  private isAdminToken({ token, kind }: Bearer): boolean {
    if (this.adminToken === undefined) return false;
    return timingSafeEqual(digest(token), digest(this.adminToken)) && kind !== 'sat';
  }

  /** @throws Refused `not-yet` while the first start is under way */
  private async administrator(): Promise<Principal> {
    const { rows } = await this.pool.query<Holder>(
      'select id as "userId", display_name as "displayName" from app_user where built_in',
    );
    const [admin] = rows;
    if (!admin) throw new Refused('not-yet', 'the installation is being set up');
    return { type: 'user', id: admin.userId, name: admin.displayName, authentication: 'admin-token' };
  }

  private async find(tokenId: string): Promise<StoredToken | undefined> {
    const { rows } = await this.pool.query<StoredToken>(
      `select t.hmac, t.expires_at as "expiresAt", t.revoked_at as "revokedAt",
              u.id as "userId", u.display_name as "displayName", u.active
       from token t join app_user u on u.id = t.user_id where t.id = $1`,
      [tokenId],
    );
    return rows[0];
  }
}

function notValid(): Refused {
  return new Refused('unauthenticated', 'the token is not valid');
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
