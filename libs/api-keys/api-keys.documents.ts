import { ApiProperty } from '@nestjs/swagger';
import { INSTANT, NULLABLE, REVISION, SECRET, ULID } from '../edge/index.js';
import type { ApiKeyResource, CreatedApiKey } from './create-api-key.js';
import type { ListedApiKey } from './list-api-keys.js';

class AnyApiKey implements ApiKeyResource {
  @ApiProperty(ULID)
  id!: string;

  @ApiProperty(ULID)
  tenantId!: string;

  @ApiProperty({ ...ULID, description: 'as whom it acts' })
  userId!: string;

  @ApiProperty()
  name!: string;

  @ApiProperty({ description: 'the first 12 characters of the key' })
  prefix!: string;

  @ApiProperty(INSTANT)
  createdAt!: string;

  @ApiProperty(INSTANT)
  expiresAt!: string;

  @ApiProperty({ ...INSTANT, ...NULLABLE })
  revokedAt!: string | null;

  @ApiProperty(REVISION)
  revision!: number;
}

export class ApiKeyDocument extends AnyApiKey implements ListedApiKey {
  @ApiProperty({ ...INSTANT, ...NULLABLE, description: 'within seconds; null while it was not used' })
  lastUsedAt!: string | null;
}

export class CreatedApiKeyDocument extends AnyApiKey implements CreatedApiKey {
  @ApiProperty(SECRET)
  secret!: string | null;
}
