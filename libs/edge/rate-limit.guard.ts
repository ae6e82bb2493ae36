import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { subjectOf } from './principal.js';

/** Counts the call of who is known by now, before anything is asked for them. */
@Injectable()
export class RateLimitGuard implements CanActivate {
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    if (request.principal) await request.server.countCallOf(request, subjectOf(request.principal));
    return true;
  }
}
