// Apart from index.js, on which the event log's followers stand, because routes stand on those in turn.
export { ListedAuditEntry } from './audit-documents.js';
export { AuditLogController, SystemAuditLogController } from './audit-log.controller.js';
export { AuditLogModule } from './audit-log.module.js';
export { AuditLogQuery } from './audit-log-query.js';
export { ListAuditEntries } from './list-audit-entries.js';
