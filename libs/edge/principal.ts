import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Refused } from '../platform/index.js';

/** Who calls, as the authentication found out. */
export interface Principal {
  type: 'user' | 'service_account';
  id: string;
  name: string | null;
  /** `oidc`, `token`, `admin-token`. */
  authentication: string;
}

declare module 'fastify' {
  interface FastifyRequest {
    principal?: Principal;
  }
}

/** @throws Refused `unauthenticated` */
export function principalOf(request: FastifyRequest): Principal {
  if (!request.principal) throw new Refused('unauthenticated');
  return request.principal;
}

export function subjectOf({ type, id }: Pick<Principal, 'type' | 'id'>): string {
  return `${type}:${id}`;
}

export const Caller = createParamDecorator((_data: unknown, context: ExecutionContext) =>
  principalOf(context.switchToHttp().getRequest<FastifyRequest>()),
);
