import { setImmediate as nextTurn } from 'node:timers/promises';
import { EventLogUnavailable, type Appended } from './event-log.js';
import type { SerialisedAppend } from './append-rules.js';

export type AppendAnswer = Appended | Error;
/** One answer per append, in their order; throws only when it knows nothing of any of them. */
export type WriteBatch = (batch: readonly SerialisedAppend[]) => Promise<AppendAnswer[]>;

interface Waiting {
  request: SerialisedAppend;
  resolve(appended: Appended): void;
  reject(error: Error): void;
}

/** Bounds how long the head of the log stays locked: 512 small appends take about 20 ms. */
const MAX_BATCH_APPENDS = 512;
const MAX_BATCH_BYTES = 4 * 1_048_576;

/**
 * Group commit: what is appended while a batch is being written is the next batch, with at most one append per stream,
 * and the appends to one stream in the order of their calls.
 */
export class AppendQueue {
  private readonly streams = new Map<string, Waiting[]>();
  private running: Promise<void> | null = null;
  private closed = false;

  constructor(private readonly write: WriteBatch) {}

  append(request: SerialisedAppend): Promise<Appended> {
    if (this.closed) return Promise.reject(new EventLogUnavailable('the event log is closed'));
    return new Promise((resolve, reject) => {
      const waiting = { request, resolve, reject };
      const ofStream = this.streams.get(request.stream);
      if (ofStream) ofStream.push(waiting);
      else this.streams.set(request.stream, [waiting]);
      this.running ??= this.run();
    });
  }

  /** Takes no more and answers all it took. */
  async close(): Promise<void> {
    this.closed = true;
    await this.running;
  }

  private async run(): Promise<void> {
    // A turn of the event loop lets everyone who was just answered append again: 16 clients then share one commit.
    for (await nextTurn(); this.streams.size > 0; await nextTurn()) {
      const batch = this.takeBatch();
      try {
        const answers = await this.write(batch.map(({ request }) => request));
        batch.forEach((waiting, index) => settle(waiting, answers[index]));
      } catch (error) {
        this.rejectAll(batch, error);
      }
    }
    this.running = null;
  }

  private takeBatch(): Waiting[] {
    const batch: Waiting[] = [];
    let bytes = 0;
    let unseen = Math.min(this.streams.size, MAX_BATCH_APPENDS);
    for (const [stream, waiting] of this.streams) {
      const next = waiting[0] as Waiting;
      if (unseen-- === 0 || (batch.length > 0 && bytes + next.request.bytes > MAX_BATCH_BYTES)) break;
      batch.push(next);
      bytes += next.request.bytes;
      waiting.shift();
      // To the end of the line, so that a busy stream doesn't starve the others.
      this.streams.delete(stream);
      if (waiting.length > 0) this.streams.set(stream, waiting);
    }
    return batch;
  }

  /** Those still waiting would only wait as long again. */
  private rejectAll(batch: readonly Waiting[], cause: unknown): void {
    const error = cause instanceof Error ? cause : new EventLogUnavailable(String(cause));
    for (const waiting of batch) waiting.reject(error);
    const unwritten = new EventLogUnavailable('nothing was written: the event log is unavailable', { cause });
    for (const waiting of [...this.streams.values()].flat()) waiting.reject(unwritten);
    this.streams.clear();
  }
}

function settle(waiting: Waiting, answer: AppendAnswer | undefined): void {
  if (answer === undefined) waiting.reject(new EventLogUnavailable('the store gave no answer for this append'));
  else if (answer instanceof Error) waiting.reject(answer);
  else waiting.resolve(answer);
}
