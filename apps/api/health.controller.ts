import { Controller, Get, Inject } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Pool } from 'pg';
import type { SpiceDb } from '../../libs/authorization/index.js';
import { EVENT_LOG, POOL, SPICEDB } from '../../libs/edge/index.js';
import type { EventLog } from '../../libs/event-store/index.js';
import { Refused } from '../../libs/platform/index.js';
import { Public } from '../../libs/tokens/index.js';

const CHECK_MS = 2_000;

@ApiTags('operation')
@Controller()
@Public()
export class HealthController {
  constructor(
    @Inject(POOL) private readonly pool: Pool,
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(SPICEDB) private readonly spicedb: SpiceDb,
  ) {}

  /** The process answers. */
  @Get('healthz')
  health(): { status: 'ok' } {
    return { status: 'ok' };
  }

  /** Everything it depends on answers. */
  @Get('readyz')
  async ready(): Promise<{ status: 'ok'; dependencies: Record<string, 'ok'> }> {
    const checks = {
      database: this.pool.query('select 1'),
      eventStore: this.log.head(),
      spicedb: this.spicedb.readSchema(),
    };
    const states = await Promise.all(
      Object.entries(checks).map(async ([name, check]) => [name, await within(check)] as const),
    );
    const down = states.filter(([, ok]) => !ok).map(([name]) => name);
    if (down.length > 0) throw new Refused('dependency-unavailable', `not answering: ${down.join(', ')}`);
    return { status: 'ok', dependencies: { database: 'ok', eventStore: 'ok', spicedb: 'ok' } };
  }
}

async function within(check: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), CHECK_MS)));
  const answered = check.then(
    () => true,
    () => false,
  );
  return Promise.race([answered, timeout]).finally(() => clearTimeout(timer));
}
