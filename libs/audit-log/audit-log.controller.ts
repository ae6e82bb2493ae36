import { Controller, Get, Inject, Query as QueryString } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { SpiceDb } from '../authorization/index.js';
import {
  Access,
  AnswersPageOf,
  Caller,
  HoldsToo,
  type Page,
  type Principal,
  Requires,
  SPICEDB,
  TENANT,
} from '../edge/index.js';
import { Refused, UlidParam } from '../platform/index.js';
import { SYSTEM_CHAIN } from './audit-entry.js';
import { ListedAuditEntry } from './audit-documents.js';
import { AuditLogQuery } from './audit-log-query.js';
import { ListAuditEntries } from './list-audit-entries.js';
import { seenBy } from './seen-entries.js';

@ApiTags('audit log')
@Controller('v1/tenants/:tenantId/audit-log')
export class AuditLogController {
  constructor(
    private readonly queries: QueryBus,
    private readonly access: Access,
    @Inject(SPICEDB) private readonly spicedb: SpiceDb,
  ) {}

  @Get()
  @ApiOperation({
    summary: 'Read the audit log of a tenant',
    description:
      'One entry for each event, in the order of the chain of hashes; the latest first unless told. ' +
      'Who does not administrate the tenant sees the entries of what they may see.',
  })
  @AnswersPageOf(ListedAuditEntry)
  @Requires({ permission: 'logs_read', on: TENANT, seenWith: 'view', too: 'administrate' })
  async list(
    @Caller() reader: Principal,
    @HoldsToo() seesAll: boolean,
    @UlidParam('tenantId') tenantId: string,
    @QueryString() query: AuditLogQuery,
  ): Promise<Page<ListedAuditEntry>> {
    const seen = seesAll ? undefined : await seenBy(reader, tenantId, { access: this.access, spicedb: this.spicedb });
    return this.queries.execute(new ListAuditEntries(tenantId, consistent(query), seen));
  }
}

/** What belongs to no tenant. */
@ApiTags('audit log')
@Controller('v1/audit-log')
export class SystemAuditLogController {
  constructor(private readonly queries: QueryBus) {}

  @Get()
  @ApiOperation({
    summary: 'Read the audit log of the installation',
    description: 'What belongs to no tenant: users, tokens, system admins, checkers.',
  })
  @AnswersPageOf(ListedAuditEntry)
  @Requires({ permission: 'administrate', on: 'system' })
  async list(@QueryString() query: AuditLogQuery): Promise<Page<ListedAuditEntry>> {
    return this.queries.execute(new ListAuditEntries(SYSTEM_CHAIN, consistent(query)));
  }
}

function consistent(query: AuditLogQuery): AuditLogQuery {
  if (!query.consequences) return query;
  const field = (['resourceType', 'resourceId'] as const).find((name) => query[name] === undefined);
  if (field) throw new Refused('malformed-query', `consequences needs ${field}`, { field });
  return query;
}
