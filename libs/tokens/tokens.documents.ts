import { ApiProperty } from '@nestjs/swagger';
import { INSTANT, NULLABLE, REVISION, SECRET, ULID } from '../edge/index.js';
import type { IssuedToken } from './issue-token.js';
import type { ListedToken } from './list-tokens.js';

export class TokenDocument implements ListedToken {
  @ApiProperty(ULID)
  id!: string;

  @ApiProperty(ULID)
  userId!: string;

  @ApiProperty()
  name!: string;

  @ApiProperty(INSTANT)
  createdAt!: string;

  @ApiProperty({ description: 'id of who issued it: the user, or a system admin' })
  createdBy!: string;

  @ApiProperty({ ...INSTANT, ...NULLABLE })
  expiresAt!: string | null;

  @ApiProperty({ ...INSTANT, ...NULLABLE })
  revokedAt!: string | null;

  @ApiProperty(REVISION)
  revision!: number;
}

export class IssuedTokenDocument extends TokenDocument implements IssuedToken {
  @ApiProperty(SECRET)
  secret!: string | null;
}
