import { setImmediate as nextTurn } from 'node:timers/promises';
import { Gathered } from './gathered.js';

function recorder(rounds = 1, much = Infinity) {
  const asked: string[][] = [];
  let failure: Error | undefined;
  const answerAll = async (questions: readonly string[]): Promise<string[]> => {
    asked.push([...questions]);
    await nextTurn();
    if (failure) throw failure;
    return questions.map((question) => `${question}!`);
  };
  const gathered = new Gathered(answerAll, rounds, ({ length }) => length >= much);
  return { asked, ask: gathered.ask.bind(gathered), failWith: (error?: Error) => (failure = error) };
}

describe('questions', () => {
  it('that come together are asked together, and each gets its own answer', async () => {
    const { asked, ask } = recorder();
    expect(await Promise.all([ask('a'), ask('b'), ask('a')])).toEqual(['a!', 'b!', 'a!']);
    expect(asked).toEqual([['a', 'b', 'a']]);
  });

  it('that come while others are under way wait for the next round, and for no more', async () => {
    const { asked, ask } = recorder();
    const first = ask('a');
    await nextTurn();
    await Promise.all([first, ask('b'), ask('c')]);
    expect(asked).toEqual([['a'], ['b', 'c']]);
  });

  it('never come in more rounds at a time than there may be', async () => {
    const { asked, ask } = recorder(2);
    const [first, second] = [ask('a'), ask('b')];
    await Promise.all([first, second, ask('c')]);
    expect(asked.flat().sort()).toEqual(['a', 'b', 'c']);
    expect(asked.length).toBeLessThanOrEqual(2);
  });

  it('are halved where they are much and two connections are free', async () => {
    const { asked, ask } = recorder(2, 4);
    await Promise.all(['a', 'b', 'c', 'd', 'e'].map(ask));
    expect(asked).toEqual([
      ['a', 'b', 'c'],
      ['d', 'e'],
    ]);
    const alone = recorder(1, 4);
    await Promise.all(['a', 'b', 'c', 'd'].map(alone.ask));
    expect(alone.asked).toEqual([['a', 'b', 'c', 'd']]);
  });

  it('go on after a failure, which is told to all of its round', async () => {
    const { ask, failWith } = recorder();
    failWith(new Error('away'));
    const failed = await Promise.allSettled([ask('a'), ask('b')]);
    expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    failWith();
    expect(await ask('a')).toBe('a!');
  });
});
