export { CONFIG } from './config-token.js';
export { buildDomain } from './domain.js';
export { closeRuntime, openRuntime, type OpenOptions } from './open-runtime.js';
export { type Runtime, RuntimeModule } from './runtime.module.js';
export type { FaultHook, FaultPoint } from './fault-points.js';
