export { CONFIG } from './config-token.js';
export { buildDomain } from './domain.js';
export { closeRuntime, openRuntime, type OpenOptions } from './open-runtime.js';
export { type Runtime, RuntimeModule } from './runtime.module.js';
export type { FaultHook, FaultPoint } from './fault-points.js';
export { EXIT, failureOf, PartUnavailable, takenPort, UsageError } from './failures.js';
export { requireMigrated, requireTables, requireUsableKeys, usableKeys } from './require-migrated.js';
export { onceReachable, runProcess, type Running, type Starting } from './run-process.js';
