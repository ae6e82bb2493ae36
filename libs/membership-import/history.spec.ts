import { type Change, MalformedHistory, readChanges } from './history.js';

const LINE = {
  change: 7,
  at: '2021-03-01T10:00:00-08:00',
  op: 'grant',
  org: 'acme',
  team: '',
  role: 'member',
  person: 'ann',
};

async function read(lines: readonly object[], seed = 'seed'): Promise<Change[]> {
  return collect(
    lines.map((line) => JSON.stringify(line)),
    seed,
  );
}

async function collect(texts: readonly string[], seed = 'seed'): Promise<Change[]> {
  const changes: Change[] = [];
  for await (const change of readChanges(lines(texts), seed)) changes.push(change);
  return changes;
}

async function* lines(texts: readonly string[]): AsyncGenerator<string> {
  yield* texts;
}

describe('readChanges', () => {
  it('groups what happened together, with times in UTC and the lines of the file', async () => {
    const changes = await read([LINE, { ...LINE, person: 'bob' }, { ...LINE, change: 9, op: 'revoke' }]);
    expect(changes).toMatchObject([
      {
        change: 7,
        lines: [
          { line: 1, person: 'ann', at: '2021-03-01T18:00:00.000Z' },
          { line: 2, person: 'bob' },
        ],
      },
      { change: 9, lines: [{ line: 3, op: 'revoke' }] },
    ]);
  });

  it('passes over empty lines, and counts them', async () => {
    const [change] = await collect(['', JSON.stringify(LINE), '', '']);
    expect(change!.lines).toMatchObject([{ line: 2 }]);
  });

  it('gives nothing for an empty history', async () => {
    expect(await collect([])).toEqual([]);
  });

  it('names a history by what it says: the same beginning has the same digests, however it is written', async () => {
    const short = await read([LINE, { ...LINE, change: 8 }]);
    const longer = await read([
      { ...LINE, note: 'ignored' },
      { ...LINE, change: 8 },
      { ...LINE, change: 9 },
    ]);
    expect(longer.slice(0, 2).map(({ digest }) => digest)).toEqual(short.map(({ digest }) => digest));
  });

  it.each([
    ['another person', [{ ...LINE, person: 'bob' }], 'seed'],
    ['another change number', [{ ...LINE, change: 8 }], 'seed'],
    ['another seed', [LINE], 'other'],
  ])('gives another digest for %s', async (_what, other, seed) => {
    expect((await read(other, seed))[0]!.digest).not.toBe((await read([LINE]))[0]!.digest);
  });

  it.each([
    ['not JSON', '{"change": 7'],
    ['an array', '[]'],
    ['no change', JSON.stringify({ ...LINE, change: undefined })],
    ['a broken change', JSON.stringify({ ...LINE, change: 1.5 })],
    ['a time without zone', JSON.stringify({ ...LINE, at: '2021-03-01T10:00:00' })],
    ['a day that is not', JSON.stringify({ ...LINE, at: '2021-02-30T10:00:00Z' })],
    ['an unknown op', JSON.stringify({ ...LINE, op: 'add' })],
    ['no organisation', JSON.stringify({ ...LINE, org: '' })],
    ['a team that is no text', JSON.stringify({ ...LINE, team: null })],
    ['a role teams have, on an organisation', JSON.stringify({ ...LINE, role: 'maintainer' })],
    ['a role organisations have, on a team', JSON.stringify({ ...LINE, team: 'web', role: 'admin' })],
    ['a control character in a name', JSON.stringify({ ...LINE, person: 'a\u0007nn' })],
    ['a change out of order', JSON.stringify({ ...LINE, change: 6 })],
  ])('names the line of %s, and hands out nothing of its change', async (_what, text) => {
    const handedOut: Change[] = [];
    const reading = async (): Promise<void> => {
      for await (const change of readChanges(lines([JSON.stringify(LINE), text]), 'seed')) handedOut.push(change);
    };
    await expect(reading()).rejects.toThrow(MalformedHistory);
    await expect(reading()).rejects.toThrow(/^line 2 of the history: /);
    expect(handedOut).toEqual([]);
  });
});
