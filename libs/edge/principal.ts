import { createParamDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Refused } from '../platform/index.js';

/** Who calls, as the authentication found out. */
export interface Principal {
  type: 'user' | 'service_account';
  id: string;
  /** What they are called, else their e-mail address. */
  name: string | null;
  /** `oidc`, `token`, `api-key`, `admin-token`. */
  authentication: string;
  /** Id of the only tenant they may act in this way. */
  onlyIn?: string;
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

const FOR_ANY_KEY = 'for-any-key';

/** Declares a route outside of tenants that a caller who may act in one tenant alone may call too. */
export const ForAnyKey = () => SetMetadata(FOR_ANY_KEY, true);

export function isForAnyKey(...places: object[]): boolean {
  return places.some((place) => Reflect.getMetadata(FOR_ANY_KEY, place) === true);
}

export const Caller = createParamDecorator((_data: unknown, context: ExecutionContext) =>
  principalOf(context.switchToHttp().getRequest<FastifyRequest>()),
);
