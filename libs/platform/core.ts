// What needs neither Nest nor a driver: a spec that imports this instead of index.js starts in 0.15 s, not in 1.3 s.
export * from './answers-within.js';
export * from './base62.js';
export * from './canonical-json.js';
export * from './client-address.js';
export * from './clock.js';
export * from './config.js';
export * from './cursor.js';
export * from './ids.js';
export * from './instant.js';
export * from './problems.js';
export * from './random.js';
export * from './refusal.js';
export * from './request-context.js';
export * from './secret-token.js';
export * from './signed-token.js';
export * from './text.js';
export * from './wrapping-key.js';
