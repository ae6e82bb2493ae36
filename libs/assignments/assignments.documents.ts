import { ApiProperty } from '@nestjs/swagger';
import { INSTANT, NULLABLE, REVISION, SubjectDocument } from '../edge/index.js';
import { ROLE_ID } from '../roles/index.js';
import type { RoleName } from './assignment.decider.js';
import type { AssignmentResource } from './list-assignments.js';
import type { ListedMember, ReadMember } from './list-members.js';
import type { HeldRole, MemberResource } from './member-resource.js';
import { TargetDocument } from './target-body.js';

const ROLE = 'a built-in role, or the id of one of the tenant';
const SOURCE =
  'what the role is held from: `direct`, `creation`, `request:{id}`; `operator` for an admin whom the operator appointed';

class HeldRoleDocument implements HeldRole {
  @ApiProperty({ ...ROLE_ID, description: ROLE })
  role!: RoleName;

  @ApiProperty({ ...INSTANT, ...NULLABLE, description: 'the latest end of its sources; null for none' })
  until!: string | null;

  @ApiProperty({ type: String, isArray: true, description: SOURCE })
  sources!: string[];
}

/** Somebody with the roles they hold on a target. */
export class MemberDocument implements MemberResource {
  @ApiProperty()
  subject!: SubjectDocument;

  @ApiProperty()
  target!: TargetDocument;

  @ApiProperty({ type: HeldRoleDocument, isArray: true })
  roles!: HeldRoleDocument[];
}

export class ListedMemberDocument extends MemberDocument implements ListedMember {
  @ApiProperty({ type: String, ...NULLABLE })
  displayName!: string | null;

  @ApiProperty()
  active!: boolean;
}

export class ReadMemberDocument extends ListedMemberDocument implements ReadMember {
  @ApiProperty({ ...REVISION, ...NULLABLE, description: 'of the member; null while the event log can’t be read' })
  revision!: number | null;
}

/** One source of one role that a subject holds on a target. */
export class AssignmentDocument implements AssignmentResource {
  @ApiProperty({ description: 'of the role on the target, whatever its sources; opaque' })
  id!: string;

  @ApiProperty()
  subject!: SubjectDocument;

  @ApiProperty()
  target!: TargetDocument;

  @ApiProperty({ ...ROLE_ID, description: ROLE })
  role!: RoleName;

  @ApiProperty({ description: SOURCE })
  source!: string;

  @ApiProperty({ ...INSTANT, ...NULLABLE })
  until!: string | null;

  @ApiProperty(INSTANT)
  grantedAt!: string;

  @ApiProperty({ description: 'id of who gave it' })
  grantedBy!: string;
}
