import { fastifyCors, type FastifyCorsOptions } from '@fastify/cors';
import { fastifyHelmet } from '@fastify/helmet';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** Nothing that is answered is a page, except the documentation. */
const NO_CONTENT = { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } };
/** Swagger UI comes with its scripts, and styles itself. */
const DOCUMENTATION = {
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'", "'unsafe-inline'"],
    imgSrc: ["'self'", 'data:'],
    connectSrc: ["'self'"],
    baseUri: ["'none'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
  },
};
/** Of answers that are given before any hook runs. */
export const BARE_SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none';frame-ancestors 'none'",
};

const CORS: FastifyCorsOptions = {
  methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
  allowedHeaders: [
    ...['Authorization', 'Content-Type', 'Idempotency-Key', 'If-Match', 'Prefer', 'Consistency-Token'],
    ...['X-API-Key', 'X-Correlation-Id', 'Traceparent', 'Tracestate'],
  ],
  exposedHeaders: [
    ...['ETag', 'Consistency-Token', 'Preference-Applied', 'Retry-After', 'X-Correlation-Id', 'Allow'],
    'WWW-Authenticate',
  ],
  maxAge: 600,
  strictPreflight: false,
};

/** Security headers on every answer, and CORS for the origins that are named. Runs before routes are added. */
export function addSecurity(fastify: FastifyInstance, corsOrigins: readonly string[]): void {
  fastify.addHook('onRoute', (route) => {
    if (/^\/docs(\/|$)/.test(route.url)) route.helmet = { contentSecurityPolicy: DOCUMENTATION };
  });
  void fastify.register(fastifyHelmet, { contentSecurityPolicy: NO_CONTENT, frameguard: { action: 'deny' } });
  if (corsOrigins.length === 0) return;
  const origin = corsOrigins.includes('*') ? '*' : [...corsOrigins];
  void fastify.register(fastifyCors, {
    delegator: (request, callback) => callback(null, { ...CORS, origin, preflight: isPreflight(request) }),
  });
}

function isPreflight({ headers }: FastifyRequest): boolean {
  return headers.origin !== undefined && headers['access-control-request-method'] !== undefined;
}
