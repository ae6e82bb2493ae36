import { Controller, Get, Inject } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import type { Pool } from 'pg';
import { Public } from '../../libs/authentication/index.js';
import type { SpiceDb } from '../../libs/authorization/index.js';
import { AnswersWith, EVENT_LOG, POOL, SPICEDB } from '../../libs/edge/index.js';
import type { EventLog } from '../../libs/event-store/index.js';
import { answersWithin, atMostEvery, Refused } from '../../libs/platform/index.js';
import { Progress } from '../../libs/projections/index.js';
import { Draining } from './draining.js';

const CHECK_MS = 2_000;
/** However many probe. */
const CHECKED_EVERY_MS = 1_000;
const STOPPING = 'this process is shutting down';
const OK = { type: String, enum: ['ok'] };

class HealthDocument {
  @ApiProperty(OK)
  status!: 'ok';
}

class DependenciesDocument {
  @ApiProperty(OK)
  database!: 'ok';

  @ApiProperty(OK)
  eventStore!: 'ok';

  @ApiProperty(OK)
  spicedb!: 'ok';
}

class ReadinessDocument extends HealthDocument {
  @ApiProperty()
  dependencies!: DependenciesDocument;
}

@ApiTags('operation')
@Controller()
@Public()
export class HealthController {
  private readonly down = atMostEvery(CHECKED_EVERY_MS, () => this.look());

  constructor(
    @Inject(POOL) private readonly pool: Pool,
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(SPICEDB) private readonly spicedb: SpiceDb,
    private readonly draining: Draining,
    private readonly progress: Progress,
  ) {}

  @Get('healthz')
  @ApiOperation({ summary: 'Does the process answer?', description: 'Restart it where it does not.' })
  @AnswersWith(HealthDocument)
  health(): HealthDocument {
    return { status: 'ok' };
  }

  @Get('readyz')
  @ApiOperation({
    summary: 'Is it ready for calls?',
    description:
      '503 while a server that it depends on does not answer, and from the moment in which it is told to stop.',
  })
  @AnswersWith(ReadinessDocument)
  async ready(): Promise<ReadinessDocument> {
    if (this.draining.begun) throw new Refused('dependency-unavailable', STOPPING);
    const down = await this.down();
    // It may have begun meanwhile.
    if (this.draining.begun) throw new Refused('dependency-unavailable', STOPPING);
    if (down.length > 0) throw new Refused('dependency-unavailable', `not answering: ${down.join(', ')}`);
    this.progress.requireSound();
    return { status: 'ok', dependencies: { database: 'ok', eventStore: 'ok', spicedb: 'ok' } };
  }

  /** What does not answer. */
  private async look(): Promise<string[]> {
    const checks = {
      database: this.pool.query('select 1'),
      eventStore: this.log.head(),
      spicedb: this.spicedb.readSchema().then(requireSchema),
    };
    const states = await Promise.all(
      Object.entries(checks).map(async ([name, check]) => [name, await answersWithin(CHECK_MS, check)] as const),
    );
    return states.filter(([, ok]) => !ok).map(([name]) => name);
  }
}

/** Without one, SpiceDB says no to everything. */
function requireSchema(schema: string | undefined): void {
  if (schema === undefined) throw new Error('SpiceDB was emptied');
}
