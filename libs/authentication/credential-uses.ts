import { Inject, Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import type { Pool } from 'pg';
import { POOL } from '../edge/index.js';
import { CLOCK, type Clock } from '../platform/index.js';

const FLUSH_MS = 1_000;

/** Notes when tokens and keys were last used: for all of them one statement a second, and no event. */
@Injectable()
export class CredentialUses implements OnModuleDestroy {
  private readonly logger = new Logger('credential-uses');
  private readonly used = new Map<string, string>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(POOL) private readonly pool: Pool,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  note(id: string): void {
    this.used.set(id, this.clock.now().toISOString());
    this.timer ??= setTimeout(() => void this.flush(), FLUSH_MS).unref();
  }

  async onModuleDestroy(): Promise<void> {
    clearTimeout(this.timer);
    await this.flush();
  }

  private async flush(): Promise<void> {
    this.timer = undefined;
    // In one order in every process, so that two of them never wait for each other.
    const uses = [...this.used].sort(([left], [right]) => (left < right ? -1 : 1));
    this.used.clear();
    if (uses.length === 0) return;
    const columns = [uses.map(([id]) => id), uses.map(([, at]) => at)];
    try {
      await this.pool.query(
        `insert into credential_use (id, last_used_at) select * from unnest($1::text[], $2::timestamptz[])
         on conflict (id) do update set last_used_at = greatest(credential_use.last_used_at, excluded.last_used_at)`,
        columns,
      );
    } catch (error) {
      this.logger.warn(`when tokens were last used can’t be noted: ${String(error)}`);
    }
  }
}
