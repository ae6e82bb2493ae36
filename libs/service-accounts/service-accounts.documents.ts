import { ApiProperty } from '@nestjs/swagger';
import { INSTANT, NULLABLE, type Page, REVISION, SECRET, ULID } from '../edge/index.js';
import type {
  ListedServiceAccount,
  ListedServiceAccountToken,
  ServiceAccountDetails,
} from './list-service-accounts.js';
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

class TokensPageDocument implements Page<ListedServiceAccountToken> {
  @ApiProperty({ type: ServiceAccountTokenDocument, isArray: true })
  items!: ServiceAccountTokenDocument[];

  @ApiProperty({ type: String, ...NULLABLE, description: 'goes on in the list of its tokens' })
  nextCursor!: string | null;
}

export class ServiceAccountDetailsDocument extends ServiceAccountDocument implements ServiceAccountDetails {
  @ApiProperty({
    type: TokensPageDocument,
    ...NULLABLE,
    description: 'the first page of its tokens; null for who may not list them',
  })
  tokens!: TokensPageDocument | null;
}

export class IssuedServiceAccountTokenDocument extends AnyServiceAccountToken implements IssuedServiceAccountToken {
  @ApiProperty(SECRET)
  secret!: string | null;
}
