import { readFileSync } from 'node:fs';

const swc = JSON.parse(readFileSync(new URL('.swcrc', import.meta.url), 'utf8'));

export default {
  testEnvironment: 'node',
  rootDir: import.meta.dirname,
  roots: ['<rootDir>/apps', '<rootDir>/libs', '<rootDir>/test'],
  testMatch: ['**/*.spec.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': ['@swc/jest', { ...swc, exclude: [], sourceMaps: 'inline', jsc: { ...swc.jsc, target: 'es2022' } }],
  },
  globalSetup: '<rootDir>/libs/testing/jest-setup.ts',
  globalTeardown: '<rootDir>/libs/testing/jest-teardown.ts',
  // One more than the cores it is meant for: specs that kill and restart processes mostly wait.
  maxWorkers: 3,
  testTimeout: 180_000,
  // A worker keeps the modules of every spec file it ran: it grew to 1.7 GB.
  workerIdleMemoryLimit: '800MB',
};
