import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import type { FastifyRequest } from 'fastify';
import type { Observable } from 'rxjs';
import { queryRefusal } from './validation.js';

const READS_QUERY = /^4:/; // the number of queries among Nest’s RouteParamtypes

/** A handler that reads no query is not called with one: a misspelt parameter is never silently without effect. */
export class StrayQueryInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const [stray] = Object.keys((context.switchToHttp().getRequest<FastifyRequest>().query as object | null) ?? {});
    if (stray !== undefined && !readsQuery(context)) throw queryRefusal(stray, 'is not known here');
    return next.handle();
  }
}

function readsQuery(context: ExecutionContext): boolean {
  const parameters: unknown = Reflect.getMetadata(ROUTE_ARGS_METADATA, context.getClass(), context.getHandler().name);
  return Object.keys((parameters as object | undefined) ?? {}).some((key) => READS_QUERY.test(key));
}
