export * from './audit-entry.js';
export * from './audit-writer.js';
