import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ConsistencyTokens, header, isForAnyKey, isProvenMeanwhile, type Principal } from '../edge/index.js';
import { isJwt, normaliseUlid, parseToken, Refused } from '../platform/index.js';
import { parseBearer } from './bearer.js';
import { OidcSignIn } from './oidc-sign-in.js';
import { notValid, OwnTokens } from './own-tokens.js';
import { isPublic } from './public-route.js';

/** Finds out who calls; nobody gets past it unknown but on public routes. */
@Injectable()
export class AuthenticationGuard implements CanActivate {
  constructor(
    private readonly consistency: ConsistencyTokens,
    private readonly own: OwnTokens,
    private readonly oidc: OidcSignIn,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (isPublic(context.getHandler(), context.getClass())) return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const principal = await this.authenticate(request, isProvenMeanwhile(context.getHandler()));
    confine(principal, request, context);
    request.principal = principal;
    return true;
  }

  /** @throws Refused `unauthenticated` */
  private async authenticate(request: FastifyRequest, meanwhile: boolean): Promise<Principal> {
    const [authorization, apiKey] = [header(request, 'authorization'), header(request, 'x-api-key')];
    if (apiKey === undefined) return this.byToken(authorization, request, meanwhile);
    if (authorization === undefined) return this.byApiKey(apiKey, request);
    try {
      return await this.byToken(authorization, request);
    } catch (error) {
      if (!(error instanceof Refused) || error.code !== 'unauthenticated') throw error;
      return this.byApiKey(apiKey, request);
    }
  }

  private async byApiKey(apiKey: string, request: FastifyRequest): Promise<Principal> {
    const parsed = parseToken(apiKey);
    if (parsed?.kind !== 'key') throw new Refused('unauthenticated', 'the API key is not valid');
    await this.catchUp(request);
    return this.own.holderOf(parsed);
  }

  private async byToken(
    authorization: string | undefined,
    request: FastifyRequest,
    meanwhile = false,
  ): Promise<Principal> {
    const bearer = parseBearer(authorization);
    if (!bearer) throw new Refused('unauthenticated');
    if (this.own.isAdminToken(bearer)) {
      await this.catchUp(request);
      return this.own.administrator();
    }
    if (this.oidc.isOn && bearer.kind !== 'sat' && isJwt(bearer.token)) {
      const claims = await this.oidc.verify(bearer.token);
      await this.catchUp(request);
      return this.oidc.userOf(claims, request);
    }
    const parsed = parseToken(bearer.token);
    if (!parsed || parsed.kind === 'key' || parsed.kind !== (bearer.kind ?? parsed.kind)) throw notValid();
    await this.catchUp(request);
    const last = meanwhile ? this.own.lastHolderOf(parsed) : undefined;
    const holder = this.own.holderOf(parsed);
    if (!last) return holder;
    request.proof = holder;
    // Where the call ends before its answer nobody asks for the proof.
    holder.catch(() => undefined);
    return last;
  }

  /** A token that was just issued or revoked counts for who has heard of it. */
  private async catchUp(request: FastifyRequest): Promise<void> {
    const token = header(request, 'consistency-token');
    if (token !== undefined) await this.consistency.await(token, 'projected');
  }
}

/**
 * What is for one tenant serves nowhere else.
 * @throws Refused `not-found` in another tenant, `forbidden` outside of tenants
 */
function confine({ onlyIn }: Principal, request: FastifyRequest, context: ExecutionContext): void {
  if (onlyIn === undefined || isForAnyKey(context.getHandler(), context.getClass())) return;
  const { tenantId } = request.params as { tenantId?: string };
  if (tenantId === undefined) throw new Refused('forbidden', 'an API key is for its tenant alone');
  const asked = normaliseUlid(tenantId);
  // A malformed id is told as such further on.
  if (asked !== undefined && asked !== onlyIn) throw new Refused('not-found');
}
