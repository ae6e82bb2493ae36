import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { correlationId, Refused, requestContext } from '../platform/index.js';

/** One HTTP call of a command, with the headers that say how it is to be carried out. */
export interface Call {
  request: FastifyRequest;
  reply: FastifyReply;
  params: Readonly<Record<string, string>>;
  idempotencyKey: string | undefined;
  /** From `If-Match`: the revision the caller saw. */
  ifRevision: number | undefined;
  /** How long to wait for the effect. */
  waitMs: number;
  /** Whether the caller said so. */
  preferred: boolean;
  correlationId: string;
}

const DEFAULT_WAIT_MS = 2_000;
const MAX_WAIT_MS = 30_000;
const MAX_USER_AGENT = 512;

export function readCall(_data: unknown, context: ExecutionContext): Call {
  const http = context.switchToHttp();
  const request = http.getRequest<FastifyRequest>();
  const wait = preferredWait(header(request, 'prefer'));
  return {
    request,
    reply: http.getResponse<FastifyReply>(),
    params: request.params as Record<string, string>,
    idempotencyKey: idempotencyKeyOf(request),
    ifRevision: ifMatch(header(request, 'if-match')),
    waitMs: wait ?? DEFAULT_WAIT_MS,
    preferred: wait !== undefined,
    correlationId: correlationId(),
  };
}

export const HttpCall = createParamDecorator(readCall);

/** Where a call comes from. */
export function originOf(request: FastifyRequest): { ip: string | null; userAgent: string | undefined } {
  return {
    ip: requestContext()?.clientAddress ?? null,
    userAgent: header(request, 'user-agent')?.slice(0, MAX_USER_AGENT),
  };
}

export function header(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

/** @throws Refused `malformed-call` */
export function idempotencyKeyOf(request: FastifyRequest): string | undefined {
  const value = header(request, 'idempotency-key');
  if (value === undefined) return undefined;
  if (!/^[\x21-\x7e]{1,255}$/.test(value)) {
    throw new Refused('malformed-call', 'Idempotency-Key takes 1 to 255 visible ASCII characters');
  }
  return value;
}

function ifMatch(value: string | undefined): number | undefined {
  if (value === undefined || value.trim() === '*') return undefined;
  const match = /^\s*(?:W\/)?"(\d{1,9})"\s*$/.exec(value);
  if (!match) throw new Refused('malformed-call', 'If-Match takes the ETag of an earlier answer, such as "3"');
  return Number(match[1]);
}

/** Milliseconds of `Prefer: wait=N` (RFC 7240). */
function preferredWait(value: string | undefined): number | undefined {
  const match = /(?:^|[,;\s])wait\s*=\s*"?(\d{1,6})"?/i.exec(value ?? '');
  if (match) return Math.min(Number(match[1]) * 1_000, MAX_WAIT_MS);
  return /(?:^|[,\s])respond-async\b/i.test(value ?? '') ? 0 : undefined;
}
