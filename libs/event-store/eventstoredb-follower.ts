import { BEFORE_START, LogRestored, type Checkpoint, type FollowOptions, type StoredEvent } from './event-log.js';
import type { Reader } from './eventstoredb-reader.js';
import { LiveSubscription } from './eventstoredb-subscription.js';
import type { WarningLog } from './postgres-connections.js';
import { backOffMs, pause, unlessAborted } from './waiting.js';

export interface FollowSource {
  reader: Reader;
  log: WarningLog;
  silenceMs: number;
}

/** Events held for a consumer that is at work; when it takes longer, the server drops the subscription. */
const SMALLEST_BUFFER = 256;

const RECHECK_MS = 500;

/** Subscribes anew, after what was last handed out, for as long as nobody aborts. */
export async function* followEventStoreDb(source: FollowSource, options: FollowOptions): AsyncGenerator<StoredEvent[]> {
  const { maxBatch, signal } = options;
  let checkpoint = options.after;
  for (let failures = 0; !signal.aborted; failures++) {
    const subscription = new LiveSubscription(
      source.reader.subscribe(checkpoint?.position ?? BEFORE_START, Math.max(SMALLEST_BUFFER, maxBatch)),
    );
    try {
      // Checked once subscribed: a log that is replaced after the check breaks the subscription.
      await unlessAborted(nextAfter(source, checkpoint, signal), signal);
      while (!signal.aborted) {
        const events = await nextBatch(source, subscription, checkpoint, options);
        const last = events.at(-1);
        if (!last) continue;
        failures = 0;
        yield events;
        checkpoint = { position: last.position, eventId: last.id };
      }
    } catch (err) {
      if (err instanceof LogRestored) throw err;
      if (!signal.aborted) source.log.warn({ err }, 'cannot follow the event log; subscribing again');
    } finally {
      subscription.end();
    }
    await pause(backOffMs(failures), signal);
  }
}

async function nextBatch(
  source: FollowSource,
  subscription: LiveSubscription,
  checkpoint: Checkpoint | null,
  { maxBatch, signal }: FollowOptions,
): Promise<StoredEvent[]> {
  const after = checkpoint?.position ?? BEFORE_START;
  const unseen = (event: StoredEvent): boolean => event.position > after;
  const events = await subscription.next(maxBatch, source.silenceMs, signal);
  if (events.length > 0 || signal.aborted) return events.filter(unseen);
  const missed = await unlessAborted(nextAfter(source, checkpoint, signal), signal);
  const late = subscription.take(maxBatch).filter(unseen);
  if (missed && late.length === 0) throw new Error(`the subscription is silent about position ${missed.position}`);
  return late;
}

/** The event after the checkpoint, by a plain read that begins with the checkpoint's own. */
async function nextAfter(
  { reader }: FollowSource,
  checkpoint: Checkpoint | null,
  signal: AbortSignal,
): Promise<StoredEvent | undefined> {
  if (!checkpoint) return (await reader.readFrom(BEFORE_START, 1))[0];
  for (let recheck = true; ; recheck = false) {
    const [seen, next] = await readAt(reader, checkpoint.position);
    if (seen && seen.position === checkpoint.position && seen.id === checkpoint.eventId.toLowerCase()) return next;
    if (!recheck) throw LogRestored.at(checkpoint, seen);
    // A relay stops on this, so it is not said of a server that only just starts.
    await pause(RECHECK_MS, signal);
    if (signal.aborted) return undefined;
  }
}

async function readAt(reader: Reader, position: number): Promise<StoredEvent[]> {
  try {
    return await reader.readFrom(position, 2);
  } catch (error) {
    if (error instanceof LogRestored) return [];
    throw error;
  }
}
