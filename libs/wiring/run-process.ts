import { setTimeout as pause } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { SpiceDbUnavailable } from '../authorization/index.js';
import { EventLogUnavailable } from '../event-store/index.js';
import {
  type Config,
  createLogger,
  isConnectionError,
  loadConfig,
  type Logger,
  type Mode,
  startTracing,
} from '../platform/index.js';
import { EXIT, failureOf } from './failures.js';

export interface Starting {
  config: Config;
  logger: Logger;
  /** Aborted when the process is told to stop, also while it starts. */
  signal: AbortSignal;
}
export interface Running {
  /** Finishes what is in flight, and closes everything. */
  stop(signal: NodeJS.Signals | undefined): Promise<void>;
  /** Resolves, with why, where it ends by itself. */
  ended?: Promise<Error>;
}

/** An orchestrator that kills sooner should be told to wait longer. */
const LONGEST_STOP_MS = 60_000;
const LONGEST_PAUSE_MS = 5_000;

/**
 * The life of a server process: starts, or says in one line why not and exits as the operator does; stops once at
 * SIGTERM or SIGINT, and exits with 0. A second signal ends it at once.
 */
export async function runProcess(mode: Mode, start: (starting: Starting) => Promise<Running>): Promise<never> {
  const stopping = new AbortController();
  let told: NodeJS.Signals | undefined;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (told) process.exit(EXIT.failed);
      told = signal;
      stopping.abort();
    });
  }
  try {
    const config = loadConfig(process.env, { mode });
    const logger = createLogger({ level: config.logLevel, name: mode });
    const stopTracing = await startTracing({ endpoint: config.otlpEndpoint, service: `countersign-${mode}` });
    const running = await start({ config, logger, signal: stopping.signal });
    const failure = await Promise.race([...(running.ended ? [running.ended] : []), aborted(stopping.signal)]);
    logger.info({ signal: told }, 'stops');
    setTimeout(() => giveUp(logger), LONGEST_STOP_MS + config.shutdownDelayMs).unref();
    await running.stop(told);
    await stopTracing();
    if (failure) throw failure;
    logger.info({}, 'stopped');
    process.exit(EXIT.done);
  } catch (error) {
    if (stopping.signal.aborted && (error as Error).name === 'AbortError') process.exit(EXIT.done);
    const { exitCode, message } = failureOf(error);
    process.stderr.write(`countersign ${mode}: ${message.replace(/\s*\n\s*/g, ' | ')}\n`);
    process.exit(exitCode);
  }
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}

function giveUp(logger: Logger): void {
  logger.error({}, 'what is in flight does not end: the process ends without it');
  process.exit(EXIT.failed);
}

/** Does what needs other servers as soon as they answer: a process may start before they do. */
export async function onceReachable<T>(work: () => Promise<T>, { logger, signal }: Omit<Starting, 'config'>) {
  for (let pauseMs = 250; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      if (!isAway(error)) throw error;
      logger.warn({ error: (error as Error).message }, 'waits for a server that does not answer');
      await pause(pauseMs, undefined, { signal });
    }
  }
}

const WRONG_KEY = new Set<unknown>([status.UNAUTHENTICATED, status.PERMISSION_DENIED]);

function isAway(error: unknown): boolean {
  if (error instanceof SpiceDbUnavailable) return !WRONG_KEY.has((error.cause as { code?: unknown } | undefined)?.code);
  return error instanceof EventLogUnavailable || isConnectionError(error);
}
