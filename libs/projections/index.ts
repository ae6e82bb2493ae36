export * from './projector.js';
export * from './read-model.js';
export { matches } from './row-fold.js';
export { quote } from './row-writer.js';
export * from './noun.js';
export * from './domain.js';
export * from './follow-ups.js';
export * from './progress.js';
