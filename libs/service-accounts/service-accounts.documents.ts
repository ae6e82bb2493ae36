import { ApiProperty } from '@nestjs/swagger';
import { INSTANT, NULLABLE, REVISION, ULID } from '../edge/index.js';
import type { ListedServiceAccount, ListedServiceAccountToken } from './list-service-accounts.js';
import type { IssuedServiceAccountToken, ServiceAccountTokenResource } from './service-account-tokens.js';

export class ServiceAccountDocument implements ListedServiceAccount {
  @ApiProperty(ULID)
  id!: string;

  @ApiProperty(ULID)
  tenantId!: string;

  @ApiProperty()
  name!: string;

  @ApiProperty(INSTANT)
  createdAt!: string;

  @ApiProperty(INSTANT)
  updatedAt!: string;

  @ApiProperty(REVISION)
  revision!: number;
}

class AnyServiceAccountToken implements ServiceAccountTokenResource {
  @ApiProperty(ULID)
  id!: string;

  @ApiProperty(ULID)
  serviceAccountId!: string;

  @ApiProperty()
  name!: string;

  @ApiProperty(INSTANT)
  createdAt!: string;

  @ApiProperty({ description: 'id of who issued it' })
  createdBy!: string;

  @ApiProperty({ ...INSTANT, ...NULLABLE, description: 'null for no end' })
  expiresAt!: string | null;

  @ApiProperty({ ...INSTANT, ...NULLABLE })
  revokedAt!: string | null;

  @ApiProperty(REVISION)
  revision!: number;
}

export class ServiceAccountTokenDocument extends AnyServiceAccountToken implements ListedServiceAccountToken {
  @ApiProperty({ ...INSTANT, ...NULLABLE, description: 'within seconds; null while it was not used' })
  lastUsedAt!: string | null;
}

export class IssuedServiceAccountTokenDocument extends AnyServiceAccountToken implements IssuedServiceAccountToken {
  @ApiProperty({ type: String, ...NULLABLE, description: 'the whole token, told only once: null in a repeated call' })
  secret!: string | null;
}
