import { KnownKeys } from './replay-known-keys.js';

const KEYS = 200_000;

it('never takes a key that was added for a new one, and seldom a new one for known', () => {
  const keys = new KnownKeys();
  let mistaken = 0;
  for (let number = 0; number < KEYS; number++) if (keys.add(`["workspace","W${number}"]`)) mistaken++;
  expect(mistaken).toBeLessThan(KEYS / 1_000);
  for (let number = 0; number < KEYS; number++) expect(keys.add(`["workspace","W${number}"]`)).toBe(true);
});
