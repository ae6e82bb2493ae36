import type { Pool } from 'pg';
import { pause } from './waiting.js';

export const NOTIFY_CHANNEL = 'event_log';
const SHORTEST_GAP_MS = 5;

/**
 * Tells followers after the commit, at most every few milliseconds: inside the append's transaction a NOTIFY would
 * serialise all commits. It may get lost; followers poll behind it.
 */
export class CoalescedNotifier {
  private announced = -1;
  private sent = -1;
  private running: Promise<void> | null = null;
  private readonly closing = new AbortController();

  constructor(private readonly pool: Pool) {}

  announce(position: number): void {
    this.announced = Math.max(this.announced, position);
    this.running ??= this.run();
  }

  async close(): Promise<void> {
    this.closing.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    while (this.sent < this.announced) {
      this.sent = this.announced;
      await this.pool.query('SELECT pg_notify($1, $2)', [NOTIFY_CHANNEL, String(this.sent)]).catch(() => undefined);
      await pause(SHORTEST_GAP_MS, this.closing.signal);
    }
    this.running = null;
  }
}
