export * from './delivery.js';
export * from './refill.js';
export * from './relationship.js';
export * from './relay-mark.js';
export * from './source-fold.js';
export * from './wanted-relationships.js';
