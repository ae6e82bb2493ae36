import { Catch } from '@nestjs/common';
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { contextOf } from './http-hooks.js';
import type { Logger } from './logging.js';
import { answerTo } from './problem-of.js';
import type { TranslateError } from './problem-of.js';

/** Everything thrown becomes `application/problem+json`; what it says of faults of ours is in the log alone. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(
    private readonly logger: Logger,
    private readonly translate?: TranslateError,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const { correlationId } = contextOf(request);
    const { problem, headers, fault } = answerTo(error, correlationId, this.translate);
    if (fault !== undefined) {
      const about = { err: fault, correlationId, method: request.method, route: request.routeOptions.url };
      if (problem.status === 500) this.logger.error(about, 'a call failed');
      else this.logger.warn(about, 'a dependency is unavailable');
    }
    if (reply.sent || reply.raw.headersSent) return;
    void reply.code(problem.status).headers(headers).send(JSON.stringify(problem));
  }
}
