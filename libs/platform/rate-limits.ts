import { isIPv6 } from 'node:net';
import { fastifyRateLimit } from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Refused } from './refusal.js';

export interface RateLimits {
  /** Calls a minute of each principal, and of each address that doesn't say who calls; 0 for any number. */
  perMinute: number;
  /** Failed authentications a minute of each address; 0 for as many as calls. */
  failuresPerMinute: number;
}

type Limiter = ReturnType<FastifyInstance['createRateLimit']>;
type AddressOf = (request: FastifyRequest) => string | null;

declare module 'fastify' {
  interface FastifyInstance {
    /** Counts a call of who is known by now. @throws Refused `too-many-requests` */
    countCallOf(request: FastifyRequest, principal: string): Promise<void>;
  }
}

const MINUTE_MS = 60_000;
/** Addresses and principals that are remembered; the longest unseen are forgotten first. */
const REMEMBERED = 20_000;
const UNLIMITED = new Set(['/healthz', '/readyz', '/metrics']);

/** Whoever has one IPv6 address usually has its whole /64. */
export function addressGroup(address: string): string {
  if (!isIPv6(address)) return address;
  const [front = '', back] = address.toLowerCase().split('::') as [string, string?];
  const groups = front === '' ? [] : front.split(':');
  const rest = back === undefined || back === '' ? [] : back.split(':');
  const zeros = back === undefined ? [] : Array.from({ length: 8 - groups.length - rest.length }, () => '0');
  return `${[...groups, ...zeros, ...rest].slice(0, 4).join(':')}::/64`;
}

/** Limits calls per principal, anonymous calls and failed authentications per address, within this process. */
export class RateLimiting {
  private readonly principals = new WeakMap<object, string>();
  private byPrincipal: Limiter | undefined;
  private byAddress: Limiter | undefined;
  private failures: Limiter | undefined;

  constructor(
    private readonly limits: RateLimits,
    private readonly addressOf: AddressOf,
  ) {}

  /** Runs before routes are added. */
  addTo(fastify: FastifyInstance): void {
    const { perMinute } = this.limits;
    const failuresPerMinute = this.limits.failuresPerMinute || perMinute;
    if (perMinute === 0 && failuresPerMinute === 0) {
      fastify.decorate('countCallOf', () => Promise.resolve());
      return;
    }
    void fastify.register(fastifyRateLimit, { global: false, cache: REMEMBERED });
    fastify.decorate('countCallOf', (request: FastifyRequest, principal: string) => this.countCall(request, principal));
    fastify.after(() => {
      const limiter = (max: number, keyGenerator: (request: FastifyRequest) => string): Limiter =>
        oneByOne(fastify.createRateLimit({ max, timeWindow: MINUTE_MS, keyGenerator }));
      const address = (request: FastifyRequest): string => addressGroup(this.addressOf(request) ?? 'unknown');
      if (perMinute > 0) {
        this.byAddress = limiter(perMinute, address);
        this.byPrincipal = limiter(perMinute, (request) => this.principals.get(request.raw) ?? 'nobody');
      }
      if (failuresPerMinute > 0) this.failures = limiter(failuresPerMinute, address);
      fastify.addHook('onRequest', (request) => this.onArrival(request));
      fastify.addHook('onSend', async (request, reply) => {
        if (reply.statusCode === 401 && presentsItself(request)) await this.failures?.(request);
      });
    });
  }

  private async onArrival(request: FastifyRequest): Promise<void> {
    if (UNLIMITED.has(request.routeOptions.url ?? '')) return;
    if (!presentsItself(request)) return refuseWhen(await this.byAddress?.(request));
    const failed = await this.failures?.(request, { increment: false });
    if (failed && !failed.isAllowed && failed.remaining === 0) throw tooMany(failed.ttlInSeconds);
  }

  private async countCall(request: FastifyRequest, principal: string): Promise<void> {
    if (!this.byPrincipal) return;
    this.principals.set(request.raw, principal);
    refuseWhen(await this.byPrincipal(request));
  }
}

/** Of calls that are counted in the same turn each would be told the count of them all, and all be refused. */
function oneByOne(limiter: Limiter): Limiter {
  let before: Promise<unknown> = Promise.resolve();
  return (...asked) => {
    const counted = before.then(() => limiter(...asked));
    before = counted.catch(() => undefined);
    return counted;
  };
}

/** Whether the call goes where its token is looked at. */
function presentsItself(request: FastifyRequest): boolean {
  const { authorization, 'x-api-key': apiKey } = request.headers;
  // The address itself may be written in many ways.
  return (authorization ?? apiKey) !== undefined && !request.is404 && !!request.routeOptions.url?.startsWith('/v1/');
}

function refuseWhen(counted: Awaited<ReturnType<Limiter>> | undefined): void {
  if (counted && !counted.isAllowed && counted.isExceeded) throw tooMany(counted.ttlInSeconds);
}

function tooMany(seconds: number): Refused {
  return new Refused('too-many-requests', undefined, { retryAfter: Math.max(1, seconds) });
}
