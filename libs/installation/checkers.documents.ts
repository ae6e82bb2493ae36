import { ApiProperty } from '@nestjs/swagger';
import { INSTANT, NULLABLE, REVISION, SubjectDocument, ULID } from '../edge/index.js';
import type { CheckerResource } from './checkers.js';
import type { ListedChecker } from './list-checkers.js';

export class CheckerDocument implements CheckerResource {
  @ApiProperty({ ...ULID, description: 'of the subject' })
  id!: string;

  @ApiProperty()
  subject!: SubjectDocument;

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
