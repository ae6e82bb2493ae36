import { ErrorType, WrongExpectedVersionError } from '@eventstore/db-client';
import { status } from '@grpc/grpc-js';
import { AppendTooLarge, EventLogUnavailable, NO_STREAM, RevisionConflict } from './event-log.js';

/** The client's errors are all named "Error", and many have no message: their `type` tells them apart. */
export function errorType(error: unknown): string | undefined {
  return (error as { type?: string } | null)?.type;
}

function describeError(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message || errorType(error) || 'unknown error';
}

/**
 * What to tell the caller of an append that no repeat will help; `null` when the outcome is unknown or another attempt
 * may go well. That includes everything unheard-of: repeating with the same ids is always safe.
 */
export function refusalOf(error: unknown, stream: string, expectedRevision: number): Error | null {
  if (error instanceof WrongExpectedVersionError) {
    const { actualVersion } = error;
    const actual = typeof actualVersion === 'bigint' ? Number(actualVersion) : NO_STREAM;
    return new RevisionConflict(stream, expectedRevision, actual);
  }
  if (errorType(error) === ErrorType.MAXIMUM_APPEND_SIZE_EXCEEDED) {
    return new AppendTooLarge(`the server takes no append of this size (to ${stream})`, { cause: error });
  }
  return permanentFailureOf(error, stream);
}

/** What fails a read or an append however often it is repeated. */
export function permanentFailureOf(error: unknown, stream: string): Error | null {
  switch (errorType(error)) {
    case ErrorType.STREAM_DELETED:
      return new Error(`${stream} was tombstoned on the server and can't be used again`, { cause: error });
    case ErrorType.ACCESS_DENIED:
      return new EventLogUnavailable(`the server denies access to ${stream}: check the credentials in its URL`, {
        cause: error,
      });
    case ErrorType.INVALID_ARGUMENT:
    case ErrorType.INVALID_TRANSACTION:
      return new Error(`the server refuses the request for ${stream}: ${describeError(error)}`, { cause: error });
    default:
      return null;
  }
}

/**
 * An error without a type comes from asking the server what it can. The client asks again where the server couldn't be
 * reached; anything else it takes for the answer for good.
 */
export function isStuckOnCapabilities(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return errorType(error) === undefined && typeof code === 'number' && code !== status.UNAVAILABLE;
}

export function unavailable(what: string, cause: unknown): EventLogUnavailable {
  return new EventLogUnavailable(`${what}: ${describeError(cause)}`, { cause });
}
