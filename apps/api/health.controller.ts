import { Controller, Get, Inject, Logger } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import { Public } from '../../libs/authentication/index.js';
import type { SpiceDb } from '../../libs/authorization/index.js';
import { AnswersWith, EVENT_LOG, SPICEDB } from '../../libs/edge/index.js';
import type { EventLog } from '../../libs/event-store/index.js';
import { answersWithin, atMostEvery, Refused } from '../../libs/platform/index.js';
import { SubjectKeys } from '../../libs/personal-data/index.js';
import { Progress } from '../../libs/projections/index.js';
import { usableKeys } from '../../libs/wiring/index.js';
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

  @ApiProperty({ ...OK, description: 'Every key that is in use is among those of this process.' })
  personalDataKeys!: 'ok';
}

class ReadinessDocument extends HealthDocument {
  @ApiProperty()
  dependencies!: DependenciesDocument;
}

@ApiTags('operation')
@Controller()
@Public()
export class HealthController {
  private readonly fault = atMostEvery(CHECKED_EVERY_MS, () => this.look());
  private readonly keysUsable: () => Promise<boolean>;

  constructor(
    keys: SubjectKeys,
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(SPICEDB) private readonly spicedb: SpiceDb,
    private readonly draining: Draining,
    private readonly progress: Progress,
  ) {
    const logger = new Logger(HealthController.name);
    this.keysUsable = usableKeys(keys, (error) => logger.error(error.message));
  }

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
      '503 while a server that it depends on does not answer, while it was not given a key of personal data that is in ' +
      'use, and from the moment in which it is told to stop.',
  })
  @AnswersWith(ReadinessDocument)
  async ready(): Promise<ReadinessDocument> {
    if (this.draining.begun) throw new Refused('dependency-unavailable', STOPPING);
    const fault = await this.fault();
    // It may have begun meanwhile.
    if (this.draining.begun) throw new Refused('dependency-unavailable', STOPPING);
    if (fault !== undefined) throw new Refused('dependency-unavailable', fault);
    this.progress.requireSound();
    return { status: 'ok', dependencies: { database: 'ok', eventStore: 'ok', spicedb: 'ok', personalDataKeys: 'ok' } };
  }

  private async look(): Promise<string | undefined> {
    let usable = true;
    const checks = {
      database: this.keysUsable().then((found) => (usable = found)),
      eventStore: this.log.head(),
      spicedb: this.spicedb.readSchema().then(requireSchema),
    };
    const states = await Promise.all(
      Object.entries(checks).map(async ([name, check]) => [name, await answersWithin(CHECK_MS, check)] as const),
    );
    const down = states.filter(([, ok]) => !ok).map(([name]) => name);
    if (down.length > 0) return `not answering: ${down.join(', ')}`;
    return usable ? undefined : 'PERSONAL_DATA_KEYS of this process lacks a key that is in use';
  }
}

/** Without one, SpiceDB says no to everything. */
function requireSchema(schema: string | undefined): void {
  if (schema === undefined) throw new Error('SpiceDB was emptied');
}
