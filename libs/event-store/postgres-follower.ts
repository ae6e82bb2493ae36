import { LogRestored, type Checkpoint, type FollowOptions, type StoredEvent } from './event-log.js';
import type { WarningLog } from './postgres-connections.js';
import { PostgresListener } from './postgres-listener.js';
import { backOffMs, pause, unlessAborted } from './waiting.js';

const POLL_MS = 1_000;
const LONGEST_BACK_OFF_MS = 5_000;

export interface FollowSource {
  url: string;
  log: WarningLog;
  /** Events from `position` on, inclusive. */
  readFrom(position: number, limit: number): Promise<StoredEvent[]>;
  /** Rung when this process has appended, sooner than the database tells of it. @returns ends that */
  onAppend(ring: () => void): () => void;
}

/** A wake-up that comes before the sleep isn't lost. */
class Alarm {
  private rung = false;
  private wake: (() => void) | null = null;

  readonly ring = (): void => {
    this.rung = true;
    this.wake?.();
  };

  reset(): void {
    this.rung = false;
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (this.rung || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => this.wake?.(), ms);
      this.wake = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', this.ring);
        resolve();
      };
      signal.addEventListener('abort', this.ring);
    });
    this.wake = null;
  }
}

/** Holds no more than the batch it hands out: a slow consumer only makes it read later. */
export async function* followPostgres(source: FollowSource, options: FollowOptions): AsyncGenerator<StoredEvent[]> {
  const { signal, maxBatch } = options;
  if (signal.aborted) return;
  const alarm = new Alarm();
  const listener = new PostgresListener(source.url, alarm.ring, source.log);
  const hearNoMore = source.onAppend(alarm.ring);
  const close = (): void => {
    hearNoMore();
    listener.close();
  };
  signal.addEventListener('abort', close, { once: true });
  try {
    let checkpoint = options.after;
    while (!signal.aborted) {
      alarm.reset();
      const events = await readUntilAnswered(source, checkpoint, maxBatch, signal);
      if (signal.aborted) return;
      const last = events.at(-1);
      if (last) {
        yield events;
        checkpoint = { position: last.position, eventId: last.id };
      } else {
        await alarm.sleep(POLL_MS, signal);
      }
    }
  } finally {
    signal.removeEventListener('abort', close);
    close();
  }
}

async function readUntilAnswered(
  source: FollowSource,
  checkpoint: Checkpoint | null,
  limit: number,
  signal: AbortSignal,
): Promise<StoredEvent[]> {
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      return (await unlessAborted(readAfter(source, checkpoint, limit), signal)) ?? [];
    } catch (err) {
      if (err instanceof LogRestored) throw err;
      source.log.warn({ err }, 'cannot follow the event log; trying again');
      await pause(backOffMs(failures, LONGEST_BACK_OFF_MS), signal);
    }
  }
  return [];
}

/** Every read begins with the checkpoint's own event, so no restore slips in between a check and a read. */
async function readAfter(source: FollowSource, checkpoint: Checkpoint | null, limit: number): Promise<StoredEvent[]> {
  if (!checkpoint) return source.readFrom(0, limit);
  const [seen, ...events] = await source.readFrom(checkpoint.position, limit + 1);
  if (seen?.position === checkpoint.position && seen.id === checkpoint.eventId.toLowerCase()) return events;
  throw LogRestored.at(checkpoint, seen);
}
