import type { LoggerService } from '@nestjs/common';
import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';
import { requestContext } from './request-context.js';
import { traceId } from './tracing.js';

export type { Logger };

const SECRET_FIELD =
  /"((?:[a-z_-]*(?:authorization|password|secret|pepper|token|cookie|api[_-]?key|preshared[_-]?key|signing[_-]?key)))":"(?:[^"\\]|\\.)*"/gi;
const OUR_TOKEN = /csn_(pat|sat|key)_\w+/g;
const JWT = /\beyJ[\w-]+\.[\w-]+\.[\w-]*/g;
const BEARER = /\b(bearer|basic)\s+[^\s"\\,;]+/gi;
const URL_PASSWORD = /(:\/\/[^:/@\s"]*):[^@/\s"]+@/g;

/** A line of the log without tokens, keys and passwords, wherever in it they stand. */
export function withoutSecrets(line: string): string {
  return line
    .replace(SECRET_FIELD, '"$1":"[redacted]"')
    .replace(OUR_TOKEN, 'csn_$1_[redacted]')
    .replace(JWT, '[redacted]')
    .replace(BEARER, '$1 [redacted]')
    .replace(URL_PASSWORD, '$1:[redacted]@');
}

export interface LoggerOptions {
  level: string;
  /** Which process writes. */
  name: string;
  destination?: DestinationStream;
}

/** A disk that is full, or a reader that is gone, costs lines and not the process. @param to a file, or a descriptor */
export function openDestination(to: Parameters<typeof pino.destination>[0]): ReturnType<typeof pino.destination> {
  const destination = pino.destination(to);
  destination.on('error', () => undefined);
  return destination;
}

/** JSON lines, each with the correlation id of the call it belongs to, and with its trace where it has one. */
export function createLogger({ level, name, destination }: LoggerOptions): Logger {
  return pino(
    {
      level,
      base: { name, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      mixin: () => {
        const context = requestContext();
        const trace = traceId();
        return { ...(context && { correlationId: context.correlationId }), ...(trace && { traceId: trace }) };
      },
      // What a call logs of itself wins over the mixin.
      mixinMergeStrategy: (logged, mixedIn) => ({ ...mixedIn, ...logged }),
      hooks: { streamWrite: withoutSecrets },
    },
    destination ?? openDestination(1),
  );
}

const CHATTY = new Set(['InstanceLoader', 'RouterExplorer', 'RoutesResolver', 'NestFactory']);

/** What Nest logs, in the same form; what it tells of each route and module is for debugging. */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log(message: unknown, ...more: unknown[]): void {
    const context = more.at(-1);
    this.write(typeof context === 'string' && CHATTY.has(context) ? 'debug' : 'info', message, more);
  }

  fatal(message: unknown, ...more: unknown[]): void {
    this.write('fatal', message, more);
  }

  error(message: unknown, ...more: unknown[]): void {
    this.write('error', message, more);
  }

  warn(message: unknown, ...more: unknown[]): void {
    this.write('warn', message, more);
  }

  debug(message: unknown, ...more: unknown[]): void {
    this.write('debug', message, more);
  }

  verbose(message: unknown, ...more: unknown[]): void {
    this.write('trace', message, more);
  }

  private write(level: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace', message: unknown, more: unknown[]) {
    const [context, ...details] = [...more].reverse();
    const fields = { ...(context === undefined ? {} : { context }), ...(details.length ? { details } : {}) };
    if (message instanceof Error) this.logger[level]({ ...fields, err: message }, message.message);
    else if (typeof message === 'string') this.logger[level](fields, message);
    else this.logger[level]({ ...fields, message }, 'nest');
  }
}
