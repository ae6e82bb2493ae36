import { SpiceDbUnavailable } from '../authorization/index.js';
import { EventLogUnavailable } from '../event-store/index.js';
import {
  ConfigurationRefused,
  isConnectionError,
  isConnectionRefused,
  problemFor,
  problemKind,
  Refused,
  withoutSecrets,
} from '../platform/index.js';

/** 0 done; 1 a difference, or not done; 2 the call or the configuration is wrong; 3 something does not answer. */
export const EXIT = { done: 0, failed: 1, usage: 2, unavailable: 3 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** It was called wrongly, or the installation is not as it must be for it. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Something that it needs is not there now. */
export class PartUnavailable extends Error {
  override readonly name = 'PartUnavailable';
}

const NO_ADDRESS = new Set(['EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN']);

/** For what listening rejects with. */
export function takenPort(variable: string, port: number): (error: NodeJS.ErrnoException) => never {
  return (error) => {
    const { code = '', address, hostname } = error as NodeJS.ErrnoException & { address?: string; hostname?: string };
    if (code === 'EADDRINUSE') {
      throw new UsageError(`${variable}: ${port} is taken by another process. Set ${variable} to a free port.`);
    }
    if (code === 'EACCES')
      throw new UsageError(`${variable}: ${port} is not for this user. Set ${variable} to another.`);
    if (!NO_ADDRESS.has(code)) throw error;
    throw new UsageError(
      `HOST: ${address ?? hostname} is no address of this machine. Set HOST to one that is, or to 0.0.0.0.`,
    );
  };
}

export interface Failure {
  exitCode: ExitCode;
  /** What happened and what to do next. */
  message: string;
}

const OTHER_VERSION = new Set(['42P01', '42703', '3F000']);
const NOT_ALLOWED = '42501';
const READ_ONLY = '25006';
const SQL_STATE = /^[0-9A-Z]{5}$/;
/** Of a file, a folder or an address to listen on that somebody named. */
const WRONG_PLACE = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'EACCES', 'EPERM', 'EROFS', 'EADDRNOTAVAIL']);

export function failureOf(error: unknown): Failure {
  const { exitCode, message } = classify(error as Error & { code?: string });
  return { exitCode, message: withoutSecrets(message) };
}

function classify(error: Error & { code?: string }): Failure {
  const { message, code = '' } = error;
  if (error instanceof Refused) return { exitCode: EXIT.failed, message: refusal(error) };
  if (error instanceof UsageError || error instanceof ConfigurationRefused) return { exitCode: EXIT.usage, message };
  if (error instanceof PartUnavailable) return { exitCode: EXIT.unavailable, message };
  if (error instanceof SpiceDbUnavailable) {
    const next = 'Check that it runs, SPICEDB_ENDPOINT, SPICEDB_TLS and SPICEDB_PRESHARED_KEY.';
    return { exitCode: EXIT.unavailable, message: `${message}. ${next}` };
  }
  if (codesOf(error).includes(READ_ONLY)) {
    const next = 'Name the primary in DATABASE_URL, or end default_transaction_read_only.';
    return { exitCode: EXIT.unavailable, message: `${message}. ${next}` };
  }
  if (error instanceof EventLogUnavailable || isConnectionError(error)) {
    const next = 'Check that the server runs, and DATABASE_URL or EVENTSTORE_URL.';
    return { exitCode: EXIT.unavailable, message: `${message || 'A server does not answer'}. ${next}` };
  }
  if (OTHER_VERSION.has(code)) {
    return { exitCode: EXIT.usage, message: `${message}: the tables are not of this version. Run: operator migrate` };
  }
  if (isConnectionRefused(error)) {
    const part = SQL_STATE.test(code) ? '' : ': its sslmode and sslrootcert';
    return { exitCode: EXIT.usage, message: `${message}. Correct DATABASE_URL${part}.` };
  }
  if (WRONG_PLACE.has(code)) return { exitCode: EXIT.usage, message: message.replace(`${code}: `, '') };
  if (codesOf(error).includes(NOT_ALLOWED)) {
    const next = 'Run it as the owner of the tables; where there are none yet, as one who may create in this database.';
    return { exitCode: EXIT.usage, message: `${message}. ${next}` };
  }
  return { exitCode: EXIT.failed, message };
}

function codesOf({ code, cause }: Error & { code?: string }): unknown[] {
  return [code, (cause as { code?: unknown } | undefined)?.code];
}

function refusal({ code, detail, message }: Refused): string {
  if (!problemKind(code)) return message;
  const { title, next } = problemFor(code, detail);
  return `${title}${detail === undefined ? '' : `: ${detail}`}. ${next}`;
}
