import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { DynamicModule, ShutdownSignal, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import {
  addContext,
  addHooks,
  begin,
  clientAddressOf,
  contextMaker,
  refuseOptions,
  routeTableOf,
} from './http-hooks.js';
import { addTracing } from './http-tracing.js';
import { addSecurity, BARE_SECURITY_HEADERS } from './http-security.js';
import { acceptOnlyJson, DEFAULT_BODY_LIMIT } from './json-limits.js';
import { NestLogger } from './logging.js';
import type { Logger } from './logging.js';
import type { Metrics } from './metrics.js';
import { ProblemFilter } from './problem.filter.js';
import { sendProblem } from './problem-of.js';
import type { TranslateError } from './problem-of.js';
import { problemFor } from './problems.js';
import { type RateLimits, RateLimiting } from './rate-limits.js';
import { Refused } from './refusal.js';
import { StrayQueryInterceptor } from './stray-query.interceptor.js';
import { InputPipe } from './validation.js';

export interface HttpAppOptions {
  logger: Logger;
  /** As the variable TRUST_PROXY; only loopback unless told. */
  trustProxy?: string;
  /** Largest body in bytes; 64 kB unless told. */
  bodyLimit?: number;
  /** Origins whose pages may call; none unless told, all with `*`. */
  corsOrigins?: readonly string[];
  /** Unlimited unless told. */
  rateLimits?: RateLimits;
  timeouts?: Timeouts;
  metrics?: Metrics;
  /** Refusals for the errors of other parts. */
  translateError?: TranslateError;
  /** Signals that close the application; none unless told. */
  shutdownSignals?: ShutdownSignal[];
}

/** In milliseconds. */
export interface Timeouts {
  /** For the headers of a call to arrive. */
  headers: number;
  /** For a whole call to arrive. */
  request: number;
  /** For the next call on a connection, above that of common load balancers. */
  keepAlive: number;
  /** How often the first two are looked at. */
  checkEvery: number;
  /** For calls that are under way when the application closes; above what the slowest takes. */
  closing: number;
}

const TIMEOUTS: Timeouts = { headers: 15_000, request: 30_000, keepAlive: 65_000, checkEvery: 5_000, closing: 45_000 };
const NO_LIMITS: RateLimits = { perMinute: 0, failuresPerMinute: 0 };

/** Above what fits in a call's headers: ids of any length reach the check that names them. */
const LONGEST_PARAMETER = 100_000;

class ClosingAwareAdapter extends FastifyAdapter {
  closing = false;

  override beforeClose(): void {
    this.closing = true;
    super.beforeClose();
  }
}

const CODE_OF_CLIENT_ERROR: { readonly [code: string]: string } = {
  ERR_HTTP_REQUEST_TIMEOUT: 'call-timeout',
  HPE_HEADER_OVERFLOW: 'headers-too-large',
};

/** What isn't HTTP, or comes too slowly, is answered on the socket itself. */
function answerOnSocket(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const problem = problemFor(CODE_OF_CLIENT_ERROR[error.code ?? ''] ?? 'malformed-call');
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...Object.entries(BARE_SECURITY_HEADERS).map(([name, value]) => `${name}: ${value}`),
    'Connection: close',
  ];
  if (socket.writable) socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  socket.destroy(error);
}

/** For a call that is on its way over a connection that was just opened. */
const FIRST_CALL_MS = 1_000;

/** While it closes, the server waits for connections over which nothing comes, and no longer looks at its timeouts. */
function endConnections(fastify: FastifyInstance, closingMs: number): void {
  const { server } = fastify;
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  fastify.addHook('preClose', (done) => {
    const endSilent = (): void => {
      for (const socket of open) if (socket.bytesRead === 0) socket.destroy();
    };
    setTimeout(endSilent, FIRST_CALL_MS).unref();
    setTimeout(() => server.closeAllConnections(), closingMs).unref();
    done();
  });
}

function adapterFor(options: HttpAppOptions) {
  const { bodyLimit = DEFAULT_BODY_LIMIT, trustProxy = 'loopback', timeouts = TIMEOUTS, logger } = options;
  const makeContext = contextMaker(trustProxy);
  const adapter: ClosingAwareAdapter = new ClosingAwareAdapter({
    bodyLimit,
    logger: false,
    connectionTimeout: timeouts.keepAlive,
    requestTimeout: timeouts.request,
    keepAliveTimeout: timeouts.keepAlive,
    http: { headersTimeout: timeouts.headers, connectionsCheckingInterval: timeouts.checkEvery },
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    routerOptions: { maxParamLength: LONGEST_PARAMETER },
    clientErrorHandler: answerOnSocket,
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
      const { correlationId } = begin(request, reply, makeContext);
      // The router that answers unknown paths has its own limit of a segment's length.
      const cause = error.code === 'FST_ERR_MAX_PARAM_LENGTH' ? new Refused('not-found') : error;
      sendProblem(reply.headers(BARE_SECURITY_HEADERS), cause, correlationId);
    },
  });
  const fastify = adapter.getInstance();
  // What a call expects beyond 100-continue may be ignored (RFC 9110); Node would answer it itself, with nothing.
  fastify.server.on('checkExpectation', (request, response) => fastify.server.emit('request', request, response));
  endConnections(fastify, timeouts.closing);
  const routes = routeTableOf(fastify);
  addTracing(fastify);
  addContext(fastify, makeContext);
  addSecurity(fastify, options.corsOrigins ?? []);
  refuseOptions(fastify, routes);
  new RateLimiting(options.rateLimits ?? NO_LIMITS, clientAddressOf).addTo(fastify);
  addHooks(fastify, { routes, logger, metrics: options.metrics, isClosing: () => adapter.closing });
  acceptOnlyJson(fastify);
  return adapter;
}

/** The HTTP edge of a module: not initialised and not listening yet. */
export async function createHttpApp(
  module: Type<unknown> | DynamicModule,
  options: HttpAppOptions,
): Promise<NestFastifyApplication> {
  const app = await NestFactory.create<NestFastifyApplication>(module, adapterFor(options), {
    logger: new NestLogger(options.logger),
    bodyParser: false,
    abortOnError: false,
  });
  app.useGlobalFilters(new ProblemFilter(options.logger, options.translateError));
  app.useGlobalPipes(new InputPipe());
  app.useGlobalInterceptors(new StrayQueryInterceptor());
  if (options.shutdownSignals) app.enableShutdownHooks(options.shutdownSignals);
  return app;
}
