import { Client } from 'pg';
import { connectionConfig, type WarningLog } from './postgres-connections.js';
import { backOffMs } from './waiting.js';
import { NOTIFY_CHANNEL } from './postgres-notifier.js';

const LONGEST_BACK_OFF_MS = 5_000;

/** LISTENs on a connection of its own and reconnects by itself; only hastens what the poll would find anyway. */
export class PostgresListener {
  private client: Client | null = null;
  private timer: NodeJS.Timeout | undefined;
  private failures = 0;
  private closed = false;

  constructor(
    private readonly url: string,
    private readonly onWake: () => void,
    private readonly log: WarningLog,
    private readonly heartbeatMs = 10_000,
    private readonly heartbeatTimeoutMs = 5_000,
  ) {
    void this.connect();
  }

  close(): void {
    this.closed = true;
    this.discard();
  }

  private async connect(): Promise<void> {
    const client = new Client(connectionConfig(this.url, this.heartbeatTimeoutMs));
    this.client = client;
    client.on('notification', this.onWake);
    client.on('error', (error) => this.lost(client, error));
    client.on('end', () => this.lost(client, new Error('the connection ended')));
    try {
      await client.connect();
      await client.query(`LISTEN ${NOTIFY_CHANNEL}`);
    } catch (error) {
      return this.lost(client, error);
    }
    if (this.client !== client) return;
    this.failures = 0;
    this.timer = setInterval(() => void this.heartbeat(client), this.heartbeatMs);
    // What was committed while nobody listened.
    this.onWake();
  }

  private async heartbeat(client: Client): Promise<void> {
    await client.query('SELECT 1').catch((error: unknown) => this.lost(client, error));
  }

  private lost(client: Client, err: unknown): void {
    if (this.client !== client) return;
    this.discard();
    if (this.closed) return;
    this.log.warn({ err }, 'lost the connection that listens for events; polling until it is back');
    this.timer = setTimeout(() => void this.connect(), backOffMs(this.failures++, LONGEST_BACK_OFF_MS));
  }

  private discard(): void {
    const { client } = this;
    this.client = null;
    clearTimeout(this.timer);
    void client?.end().catch(() => undefined);
  }
}
