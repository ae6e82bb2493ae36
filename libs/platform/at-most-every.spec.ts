import { atMostEvery } from './at-most-every.js';

let now: number;
let asked: { resolve: (answer: string) => void; reject: (error: Error) => void }[];
let ask: () => Promise<string>;

beforeEach(() => {
  [now, asked] = [0, []];
  ask = atMostEvery(
    1_000,
    () => new Promise((resolve, reject) => asked.push({ resolve, reject })),
    () => now,
  );
});

it('gives all who ask at once one answer', async () => {
  const answers = Array.from({ length: 100 }, ask);
  asked[0]!.resolve('yes');
  expect(await Promise.all(answers)).toEqual(answers.map(() => 'yes'));
  expect(asked).toHaveLength(1);
});

it('asks again once the time is over, and not before', async () => {
  const first = ask();
  asked[0]!.resolve('first');
  await first;
  now = 999;
  expect(await ask()).toBe('first');
  now = 1_000;
  const second = ask();
  asked[1]!.resolve('second');
  expect(await second).toBe('second');
});

it('asks nothing beside what is not answered yet, however long that takes', async () => {
  const first = ask();
  now = 60_000;
  const other = ask();
  expect(asked).toHaveLength(1);
  asked[0]!.resolve('late');
  expect(await Promise.all([first, other])).toEqual(['late', 'late']);
});

it('remembers a failure no longer than an answer', async () => {
  const failed = ask();
  asked[0]!.reject(new Error('away'));
  await expect(failed).rejects.toThrow('away');
  await expect(ask()).rejects.toThrow('away');
  now = 1_000;
  const later = ask();
  asked[1]!.resolve('back');
  expect(await later).toBe('back');
});
