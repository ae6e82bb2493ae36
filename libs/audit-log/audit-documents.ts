import { ApiProperty } from '@nestjs/swagger';
import { INSTANT, NULLABLE } from '../edge/index.js';
import type { Actor } from '../event-store/index.js';

const VALUES = { type: 'object', additionalProperties: true, ...NULLABLE } as const;
const ACTOR_TYPES: readonly Actor['type'][] = ['user', 'service_account', 'process', 'system'];

class AuditPrincipalDocument {
  @ApiProperty({ enum: ['user', 'service_account', 'system'] })
  type!: NonNullable<Actor['onBehalfOf']>['type'];

  @ApiProperty()
  id!: string;

  @ApiProperty({ type: String, ...NULLABLE, description: 'name or e-mail address, as it is now' })
  displayName!: string | null;
}

class AuditActorDocument {
  @ApiProperty({ enum: ACTOR_TYPES })
  type!: Actor['type'];

  @ApiProperty({ description: 'of a process: its name' })
  id!: string;

  @ApiProperty({ type: String, ...NULLABLE, description: 'name or e-mail address, as it was at the time' })
  displayName!: string | null;

  @ApiProperty({ required: false, description: 'for whom a process acted' })
  onBehalfOf?: AuditPrincipalDocument;
}

class AuditedResourceDocument {
  @ApiProperty({ example: 'workspace' })
  type!: string;

  @ApiProperty()
  id!: string;
}

/** One entry of the audit log. */
export class ListedAuditEntry {
  @ApiProperty({ type: 'integer', description: 'counts from 1 without gaps' })
  sequence!: number;

  @ApiProperty(INSTANT)
  at!: string;

  @ApiProperty({ example: 'workspace.renamed' })
  action!: string;

  @ApiProperty()
  actor!: AuditActorDocument;

  @ApiProperty()
  resource!: AuditedResourceDocument;

  @ApiProperty(VALUES)
  oldValues!: object | null;

  @ApiProperty(VALUES)
  newValues!: object | null;

  @ApiProperty({ type: String, ...NULLABLE })
  ip!: string | null;

  @ApiProperty({ type: String, ...NULLABLE })
  userAgent!: string | null;

  @ApiProperty({ ...VALUES, description: 'names, addresses and free text of the event itself, such as a reason' })
  personal!: object | null;

  @ApiProperty({ description: 'whether names, addresses or free text of this entry were erased with their person' })
  erased!: boolean;

  @ApiProperty({ description: 'the same for all that one call led to' })
  correlationId!: string;

  @ApiProperty({ type: String, ...NULLABLE, description: 'eventId of the entry that this one followed from' })
  causationId!: string | null;

  @ApiProperty()
  commandId!: string;

  @ApiProperty()
  eventId!: string;

  @ApiProperty({ type: 'integer', description: 'place of the event in the log of all events' })
  position!: number;

  @ApiProperty({ pattern: '^[0-9a-f]{64}$', description: 'covers this entry’s event and, through theirs, all before' })
  hash!: string;
}
