import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ConsistencyTokens, header, type Principal } from '../edge/index.js';
import { isJwt, parseToken, Refused } from '../platform/index.js';
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
    request.principal = await this.authenticate(request);
    return true;
  }

  /** @throws Refused `unauthenticated` */
  private async authenticate(request: FastifyRequest): Promise<Principal> {
    const bearer = parseBearer(header(request, 'authorization'));
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
    if (!parsed || parsed.kind !== (bearer.kind ?? parsed.kind)) throw notValid();
    await this.catchUp(request);
    return this.own.holderOf(parsed);
  }

  /** A token that was just issued or revoked counts for who has heard of it. */
  private async catchUp(request: FastifyRequest): Promise<void> {
    const token = header(request, 'consistency-token');
    if (token !== undefined) await this.consistency.await(token, 'projected');
  }
}
