import type { AllStreamResolvedEvent, AllStreamSubscription } from '@eventstore/db-client';
import type { StoredEvent } from './event-log.js';
import { toStoredEvent } from './eventstoredb-records.js';

/** One subscription for as long as it lasts; it never comes back by itself. */
export class LiveSubscription {
  private failure: Error | null = null;
  private wake: () => void = () => undefined;

  constructor(private readonly stream: AllStreamSubscription) {
    const lost = (error?: Error): void => {
      this.failure ??= error ?? new Error('the server ended the subscription');
      this.wake();
    };
    // Errors come late and more than once; one without a listener would end the process.
    stream.on('error', lost);
    stream.on('end', () => lost());
    stream.on('close', () => lost());
    stream.on('readable', () => this.wake());
  }

  /** What has arrived, at most `limit`; empty after `longestMs` of silence or when aborted. */
  async next(limit: number, longestMs: number, signal: AbortSignal): Promise<StoredEvent[]> {
    const silentFrom = performance.now() + longestMs;
    for (;;) {
      const events = this.take(limit);
      const leftMs = silentFrom - performance.now();
      if (events.length > 0 || signal.aborted) return events;
      if (this.failure) throw this.failure;
      if (leftMs <= 0) return [];
      await this.woken(leftMs, signal);
    }
  }

  take(limit: number): StoredEvent[] {
    const events: StoredEvent[] = [];
    while (events.length < limit) {
      const resolved = this.stream.read() as AllStreamResolvedEvent | null;
      if (resolved === null) break;
      const event = toStoredEvent(resolved);
      if (event) events.push(event);
    }
    return events;
  }

  end(): void {
    this.stream.unsubscribe().catch(() => undefined);
    this.stream.destroy();
  }

  private woken(longestMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', wake);
        this.wake = () => undefined;
        resolve();
      };
      const timer = setTimeout(wake, longestMs);
      signal.addEventListener('abort', wake, { once: true });
      this.wake = wake;
    });
  }
}
