import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { clientAddress, trustedPeers } from './client-address.js';
import type { Logger } from './logging.js';
import { RouteTable } from './method-not-allowed.js';
import { Refused } from './refusal.js';
import { acceptedCorrelationId, runInContext } from './request-context.js';
import type { RequestContext } from './request-context.js';

const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
};
/** Nothing that is answered is a page, except the documentation. */
const NO_CONTENT = { 'content-security-policy': "default-src 'none'; frame-ancestors 'none'" };
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

function pathOf({ raw: { url = '/' } }: Pick<FastifyRequest, 'raw'>): string {
  return url.split('?', 1)[0] ?? '/';
}

/** Also for the answers that are given before any hook runs. */
export function begin(request: FastifyRequest, reply: FastifyReply, makeContext: MakeContext): RequestContext {
  const context = makeContext(request);
  contexts.set(request.raw, context);
  const path = pathOf(request);
  reply.headers({
    'x-correlation-id': context.correlationId,
    ...SECURITY_HEADERS,
    ...(/^\/docs(\/|$)/.test(path) ? {} : NO_CONTENT),
    ...(path.startsWith('/v1') ? NOT_STORED : {}),
  });
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
  const allow = routes.methodsFor(pathOf(request));
  if (allow.length === 0 || allow.includes(request.method)) throw new Refused('not-found');
  throw new Refused('method-not-allowed', `${request.method} is not offered here`, { allow });
}

export interface HookOptions {
  makeContext: MakeContext;
  logger: Logger;
  isClosing: () => boolean;
}

/** Runs before routes are added and before Nest's own middleware. */
export function addHooks(fastify: FastifyInstance, { makeContext, logger, isClosing }: HookOptions): void {
  const routes = new RouteTable();
  fastify.addHook('onRoute', ({ url, method }) => routes.add(url, method));
  fastify.addHook('onRequest', (request, reply, done) => runInContext(begin(request, reply, makeContext), done));
  fastify.addHook('onRequest', (request, reply, done) => {
    if (isClosing()) {
      void reply.header('connection', 'close');
      throw new Refused('dependency-unavailable', 'this process is shutting down');
    }
    checkRoute(request, routes);
    done();
  });
  // Reading the body leaves the context: its events come from the connection.
  fastify.addHook('preValidation', (request, _reply, done) => runInContext(contextOf(request), done));
  fastify.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? null;
    const { correlationId } = contextOf(request);
    const { method } = request;
    const answered = { correlationId, method, route, status: reply.statusCode, ms: Math.round(reply.elapsedTime) };
    logger[route !== null && QUIET.has(route) ? 'debug' : 'info'](answered, 'answered');
    done();
  });
}
