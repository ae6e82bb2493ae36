import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { clientAddress, trustedPeers } from './client-address.js';
import type { Logger } from './logging.js';
import type { Metrics } from './metrics.js';
import { decodedPath, RouteTable } from './method-not-allowed.js';
import { sendProblem } from './problem-of.js';
import { Refused } from './refusal.js';
import { acceptedCorrelationId, runInContext } from './request-context.js';
import type { RequestContext } from './request-context.js';

const NOT_STORED = { 'cache-control': 'no-store' };
const QUIET = new Set(['/healthz', '/readyz', '/metrics']);

const contexts = new WeakMap<object, RequestContext>();

export type MakeContext = (request: FastifyRequest) => RequestContext;

export function contextMaker(trustProxy: string): MakeContext {
  const isTrusted = trustedPeers(trustProxy);
  return ({ raw: { headers, socket } }) => ({
    correlationId: acceptedCorrelationId(headers['x-correlation-id']),
    clientAddress: clientAddress(
      { peer: socket.remoteAddress, realIp: headers['x-real-ip'], forwardedFor: headers['x-forwarded-for'] },
      isTrusted,
    ),
  });
}

/** Of a call that has arrived; outside of `createHttpApp` there is none to be found. */
export function contextOf(request: Pick<FastifyRequest, 'raw'>): RequestContext {
  return contexts.get(request.raw) ?? { correlationId: acceptedCorrelationId(undefined), clientAddress: null };
}

/** The caller's address, with trusted proxies taken into account. */
export function clientAddressOf(request: Pick<FastifyRequest, 'raw'>): string | null {
  return contextOf(request).clientAddress;
}

/** Also of a call that names the host before its path. */
function pathOf({ raw: { url = '/' } }: Pick<FastifyRequest, 'raw'>): string {
  const path = url.replace(/^https?:\/\/[^/?#]*/i, '');
  return path.split(/[?#]/, 1)[0] || '/';
}

/** Also for the answers that are given before any hook runs. */
export function begin(request: FastifyRequest, reply: FastifyReply, makeContext: MakeContext): RequestContext {
  const context = makeContext(request);
  contexts.set(request.raw, context);
  const isStorable = !decodedPath(pathOf(request)).startsWith('/v1');
  reply.headers({ 'x-correlation-id': context.correlationId, ...(isStorable ? {} : NOT_STORED) });
  return context;
}

function checkQuery(url: string): void {
  const start = url.indexOf('?');
  if (start < 0) return;
  try {
    if (!decodeURIComponent(url.slice(start + 1)).includes('\0')) return;
  } catch {
    // falls through: it isn't text
  }
  throw new Refused('malformed-query', 'the query is not percent-encoded UTF-8 text');
}

function checkRoute(request: FastifyRequest, routes: RouteTable): void {
  if (!request.is404) return checkQuery(request.raw.url ?? '');
  throw notOffered(request, routes);
}

function notOffered(request: FastifyRequest, routes: RouteTable): Refused {
  const allow = routes.methodsFor(pathOf(request));
  if (allow.length === 0 || allow.includes(request.method)) return new Refused('not-found');
  return new Refused('method-not-allowed', `${request.method} is not offered here`, { allow });
}

/** The methods of every route that is added from now on. */
export function routeTableOf(fastify: FastifyInstance): RouteTable {
  const routes = new RouteTable();
  fastify.addHook('onRoute', ({ url, method }) => {
    if (url !== '*') routes.add(url, method);
  });
  return routes;
}

/** Runs before everything else: every answer has the context of its call. */
export function addContext(fastify: FastifyInstance, makeContext: MakeContext): void {
  fastify.addHook('onRequest', (request, reply, done) => runInContext(begin(request, reply, makeContext), done));
  // Reading the body leaves the context: its events come from the connection.
  fastify.addHook('preValidation', (request, _reply, done) => runInContext(contextOf(request), done));
}

/** The route that @fastify/cors adds for preflights takes any OPTIONS, and errors there don't become problems. */
export function refuseOptions(fastify: FastifyInstance, routes: RouteTable): void {
  fastify.after(() => {
    fastify.addHook('onRequest', (request, reply, done) => {
      if (request.method !== 'OPTIONS' || request.is404) return done();
      sendProblem(reply, notOffered(request, routes), contextOf(request).correlationId);
    });
  });
}

export interface HookOptions {
  routes: RouteTable;
  logger: Logger;
  isClosing: () => boolean;
  metrics?: Metrics;
}

/** Runs before Nest's own middleware. */
export function addHooks(fastify: FastifyInstance, { routes, logger, isClosing, metrics }: HookOptions): void {
  fastify.after(() => {
    fastify.addHook('onRequest', (request, reply, done) => {
      if (isClosing()) {
        void reply.header('connection', 'close');
        throw new Refused('dependency-unavailable', 'this process is shutting down');
      }
      checkRoute(request, routes);
      done();
    });
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? null;
    const { correlationId } = contextOf(request);
    const { method } = request;
    const labels = { method, route: route ?? 'unmatched', status: String(reply.statusCode) };
    metrics?.httpRequests.observe(labels, reply.elapsedTime / 1_000);
    const answered = { correlationId, method, route, status: reply.statusCode, ms: Math.round(reply.elapsedTime) };
    logger[route !== null && QUIET.has(route) ? 'debug' : 'info'](answered, 'answered');
    done();
  });
}
