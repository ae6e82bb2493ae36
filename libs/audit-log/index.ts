export * from './audit-entry.js';
export * from './audit-heads.js';
export * from './audit-rendering.js';
export { readAuditRows } from './audit-rows.js';
export * from './audit-writer.js';
export * from './export-audit.js';
export * from './verify-chain.js';
