import { Module } from '@nestjs/common';
import { ListAuditEntriesHandler } from './list-audit-entries.js';

/** Queries; the routes are with the API. */
@Module({ providers: [ListAuditEntriesHandler] })
export class AuditLogModule {}
