export { createTestDatabase, type TestDatabase } from './test-database.js';
export { PATIENCE_MS, until } from './until.js';
export { given } from './given.js';
export { type AnswerBody, type ApiAnswer, type ApiClient, apiClient, PATIENT } from './api-client.js';
