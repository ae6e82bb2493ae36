export * from './command-context.js';
export * from './decider-runtime.js';
export * from './domain-event.js';
export * from './event-log.js';
export * from './event-metadata.js';
export * from './event-registry.js';
export { openEventLog } from './open-event-log.js';
export type { PersonalParts } from './personal-parts.js';
