import { isNativeError } from 'node:util/types';
import { HttpException } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { isConnectionError, isConnectionRefused } from './database.js';
import { problemFor, problemKind } from './problems.js';
import type { Problem } from './problems.js';
import { Refused } from './refusal.js';

/** What other parts throw, as a refusal; `undefined` for what they don't know. */
export type TranslateError = (error: unknown) => Refused | undefined;

export interface Answer {
  problem: Problem;
  headers: { [name: string]: string };
  /** Set when it is a fault of ours, to be logged. */
  fault?: unknown;
}

const CODE_OF_STATUS: { readonly [status: number]: string } = {
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not-found',
  405: 'method-not-allowed',
  408: 'call-timeout',
  409: 'conflict',
  412: 'stale-revision',
  413: 'payload-too-large',
  414: 'address-too-long',
  415: 'unsupported-media-type',
  422: 'invalid',
  429: 'too-many-requests',
  431: 'headers-too-large',
  503: 'dependency-unavailable',
};

/** PostgreSQL can't store NUL in text, nor a code point outside of its encoding. */
const NOT_TEXT_CODES: readonly unknown[] = ['22021', '22P05'];

function statusOf(error: unknown): number | undefined {
  if (error instanceof HttpException) return error.getStatus();
  if (!(error instanceof Error) || error.name !== 'FastifyError') return undefined;
  const { statusCode } = error as { statusCode?: unknown };
  return typeof statusCode === 'number' ? statusCode : undefined;
}

function ofFramework(error: Error, status: number): Refused | undefined {
  const code = CODE_OF_STATUS[status] ?? (status >= 400 && status < 500 ? 'malformed-call' : undefined);
  return code === undefined ? undefined : new Refused(code, error.message);
}

function refusalOf(error: unknown): Refused | undefined {
  if (error instanceof Refused) return error;
  const status = statusOf(error);
  if (status !== undefined) return ofFramework(error as Error, status);
  if (isConnectionError(error) || isConnectionRefused(error))
    return new Refused('dependency-unavailable', 'the database');
  if (isNativeError(error) && NOT_TEXT_CODES.includes((error as { code?: unknown }).code))
    return new Refused('invalid', 'a text holds a character that can’t be stored');
  return undefined;
}

/** RFC 6750: why a token was refused is only there to be told where one was sent. */
function challenge(detail: string | undefined): string {
  if (detail === undefined) return 'Bearer';
  const told = detail.replace(/[^\x20-\x7e]/g, "'").replace(/["\\]/g, "'");
  return `Bearer error="invalid_token", error_description="${told}"`;
}

function headersOf({ status, code, detail, retryAfter, allow }: Problem): { [name: string]: string } {
  const headers: { [name: string]: string } = { 'content-type': 'application/problem+json; charset=utf-8' };
  if (status === 401) headers['www-authenticate'] = challenge(detail);
  if (Array.isArray(allow)) headers['allow'] = allow.join(', ');
  const seconds = typeof retryAfter === 'number' ? retryAfter : problemKind(code)?.retryAfter;
  if (seconds !== undefined) headers['retry-after'] = String(Math.max(1, Math.ceil(seconds)));
  return headers;
}

/** The answer to anything that was thrown. */
export function answerTo(error: unknown, correlationId: string, translate?: TranslateError): Answer {
  const refused = translate?.(error) ?? refusalOf(error);
  if (refused && problemKind(refused.code)) {
    const problem = problemFor(refused.code, refused.detail, refused.extra);
    const fault = problem.status >= 500 && refused !== error ? { fault: error } : {};
    return { problem, headers: headersOf(problem), ...fault };
  }
  const problem = problemFor('internal', undefined, { correlationId });
  return { problem, headers: headersOf(problem), fault: error };
}

/** Where no filter does it. */
export function sendProblem(reply: FastifyReply, error: unknown, correlationId: string): void {
  const { problem, headers } = answerTo(error, correlationId);
  void reply.code(problem.status).headers(headers).send(JSON.stringify(problem));
}
