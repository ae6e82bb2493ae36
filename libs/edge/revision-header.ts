import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { type Observable, tap } from 'rxjs';

/** What is read tells its revision as its ETag, as what is changed does: whoever reads it may change it with If-Match. */
export class RevisionHeader implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler<object | undefined>): Observable<unknown> {
    return next.handle().pipe(
      tap((answer) => {
        const { revision } = (answer ?? {}) as { revision?: unknown };
        if (typeof revision !== 'number') return;
        context.switchToHttp().getResponse<FastifyReply>().header('ETag', `"${revision}"`);
      }),
    );
  }
}
