import { ApiProperty } from '@nestjs/swagger';
import { INSTANT, NULLABLE, REVISION, ULID } from '../edge/index.js';
import type { ListedUser } from './list-users.js';
import type { ExternalIdentity, UserStatus } from './user.decider.js';

export const USER_STATUSES: readonly UserStatus[] = ['active', 'suspended', 'deactivated'];

class ExternalIdentityDocument implements ExternalIdentity {
  @ApiProperty({ description: 'the identity provider' })
  issuer!: string;

  @ApiProperty({ description: 'who the user is to it' })
  subject!: string;
}

export class UserDocument implements ListedUser {
  @ApiProperty(ULID)
  id!: string;

  @ApiProperty({ type: String, ...NULLABLE })
  displayName!: string | null;

  @ApiProperty({ type: String, ...NULLABLE })
  email!: string | null;

  @ApiProperty({ type: ExternalIdentityDocument, ...NULLABLE })
  externalIdentity!: ExternalIdentityDocument | null;

  @ApiProperty({ enum: USER_STATUSES })
  status!: UserStatus;

  @ApiProperty({ description: 'whether they may act: neither suspended nor deactivated' })
  active!: boolean;

  @ApiProperty(INSTANT)
  createdAt!: string;

  @ApiProperty(INSTANT)
  updatedAt!: string;

  @ApiProperty(REVISION)
  revision!: number;
}

/** The caller. */
export class MeDocument {
  @ApiProperty(ULID)
  id!: string;

  @ApiProperty({ enum: ['user', 'service_account'] })
  type!: 'user' | 'service_account';

  @ApiProperty({ type: String, ...NULLABLE })
  displayName!: string | null;

  @ApiProperty({ type: String, ...NULLABLE })
  email!: string | null;

  @ApiProperty()
  active!: boolean;

  @ApiProperty()
  systemAdmin!: boolean;

  @ApiProperty({ description: 'how the caller proved who they are: `oidc`, `token`, `api-key`, `admin-token`' })
  authentication!: string;

  @ApiProperty({ ...REVISION, ...NULLABLE, description: 'of the user; null for a service account' })
  revision!: number | null;
}
