import { setTimeout as delay } from 'node:timers/promises';
import { systemRandom } from '../platform/core.js';

const FIRST_BACK_OFF_MS = 50;

export class TimedOut extends Error {
  override readonly name = 'TimedOut';
}

/**
 * Milliseconds between two attempts, jittered so that many clients don't come back at once.
 * @param attempt from 0
 */
export function backOffMs(attempt: number, longestMs = 1_000): number {
  return Math.min(longestMs, FIRST_BACK_OFF_MS * 2 ** attempt) * (0.5 + systemRandom() / 2);
}

/** Waits unless aborted; never rejects. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}

/** Rejects with TimedOut when `work` takes longer; `work` itself goes on. */
export async function within<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new TimedOut(`no answer for ${Math.round(ms)} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** `undefined` once aborted; `work` itself goes on. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  let stop = (): void => undefined;
  const aborted = new Promise<undefined>((resolve) => {
    stop = () => resolve(undefined);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
