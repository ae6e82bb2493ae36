import { ApiProperty } from '@nestjs/swagger';
import { INSTANT, NULLABLE, REVISION, SUBJECT_TYPES, ULID } from '../edge/index.js';
import type { CheckerResource } from './checkers.js';
import type { CheckerSubject } from './installation.decider.js';
import type { ListedChecker } from './list-checkers.js';

class CheckerSubjectDocument implements CheckerSubject {
  @ApiProperty({ enum: SUBJECT_TYPES })
  type!: CheckerSubject['type'];

  @ApiProperty(ULID)
  id!: string;
}

export class CheckerDocument implements CheckerResource {
  @ApiProperty({ ...ULID, description: 'of the subject' })
  id!: string;

  @ApiProperty()
  subject!: CheckerSubjectDocument;

  @ApiProperty(INSTANT)
  since!: string;
}

export class ListedCheckerDocument extends CheckerDocument implements ListedChecker {
  @ApiProperty({ type: String, ...NULLABLE })
  displayName!: string | null;

  @ApiProperty()
  active!: boolean;

  @ApiProperty(REVISION)
  revision!: number;
}
