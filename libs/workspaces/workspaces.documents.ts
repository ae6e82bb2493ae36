import { ApiProperty } from '@nestjs/swagger';
import { INSTANT, NULLABLE, REVISION, ULID } from '../edge/index.js';
import type { ListedWorkspace } from './list-workspaces.js';

export class WorkspaceDocument implements ListedWorkspace {
  @ApiProperty(ULID)
  id!: string;

  @ApiProperty(ULID)
  tenantId!: string;

  @ApiProperty()
  name!: string;

  @ApiProperty({ ...ULID, ...NULLABLE, description: 'null for the root' })
  parentId!: string | null;

  @ApiProperty()
  isRoot!: boolean;

  @ApiProperty(INSTANT)
  createdAt!: string;

  @ApiProperty(INSTANT)
  updatedAt!: string;

  @ApiProperty(REVISION)
  revision!: number;
}
