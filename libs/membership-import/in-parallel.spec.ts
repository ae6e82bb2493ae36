import { inParallel } from './in-parallel.js';

describe('inParallel', () => {
  it('works on all items, so many at once', async () => {
    let running = 0;
    let most = 0;
    const done: number[] = [];
    await inParallel([1, 2, 3, 4, 5], { atOnce: 2 }, async (item) => {
      most = Math.max(most, ++running);
      await Promise.resolve();
      running--;
      done.push(item);
    });
    expect({ most, done }).toEqual({ most: 2, done: [1, 2, 3, 4, 5] });
  });

  it('starts nothing after a failure, and waits for what runs', async () => {
    const done: string[] = [];
    let finish = (): void => undefined;
    const slow = new Promise<void>((resolve) => (finish = resolve));
    const failing = inParallel(['slow', 'bad', 'never'], { atOnce: 2 }, async (item) => {
      if (item === 'bad') throw new Error('no');
      await slow;
      done.push(item);
    });
    finish();
    await expect(failing).rejects.toThrow('no');
    expect(done).toEqual(['slow']);
  });

  it('starts nothing after an abort', async () => {
    const aborting = new AbortController();
    const done: number[] = [];
    const work = async (item: number): Promise<void> => {
      done.push(item);
      if (item === 2) aborting.abort(new Error('enough'));
    };
    await expect(inParallel([1, 2, 3], { atOnce: 1, signal: aborting.signal }, work)).rejects.toThrow('enough');
    expect(done).toEqual([1, 2]);
  });
});
