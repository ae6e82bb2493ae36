import {
  applyDecorators,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
  SetMetadata,
  UseInterceptors,
} from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { from, lastValueFrom, type Observable } from 'rxjs';
import type { Principal } from './principal.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Rejects unless the principal is who calls, as of now. */
    proof?: Promise<Principal>;
  }
}

const PROVEN_MEANWHILE = 'proven-meanwhile';

/** Holds back whatever a route answers until it is proven who calls. */
class ProofInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { proof } = context.switchToHttp().getRequest<FastifyRequest>();
    return proof ? from(onceProven(proof, lastValueFrom(next.handle()))) : next.handle();
  }
}

/**
 * Declares a route that may begin for who held the token when it was last looked at, while it is looked at again. For
 * routes that change nothing and use no more of the caller than type and id.
 */
export const ProvenMeanwhile = () =>
  applyDecorators(SetMetadata(PROVEN_MEANWHILE, true), UseInterceptors(ProofInterceptor));

export function isProvenMeanwhile(route: object): boolean {
  return Reflect.getMetadata(PROVEN_MEANWHILE, route) === true;
}

async function onceProven<T>(proof: Promise<Principal>, answer: Promise<T>): Promise<T> {
  const [proven] = await Promise.allSettled([proof, answer]);
  if (proven.status === 'rejected') throw proven.reason;
  return answer;
}
