import { setImmediate as nextTurn } from 'node:timers/promises';
import { type StreamRead, StreamReads } from './postgres-stream-reads.js';

function recorder(connections = 1) {
  const batches: StreamRead[][] = [];
  let fail: Error | undefined;
  const reads = new StreamReads<string>(async (asked) => {
    batches.push(asked.map(({ stream, fromRevision }) => ({ stream, fromRevision })));
    await nextTurn();
    if (fail) throw fail;
    return asked.map(({ stream, fromRevision }) => [`${stream} from ${fromRevision}`]);
  }, connections);
  return { batches, reads, failWith: (error?: Error) => (fail = error) };
}

describe('reads of streams', () => {
  it('that come together are read together, and each gets its own answer', async () => {
    const { batches, reads } = recorder();
    const answers = await Promise.all([reads.readStream('a', 0), reads.readStream('b', 3), reads.readStream('a', 1)]);
    expect(answers).toEqual([['a from 0'], ['b from 3'], ['a from 1']]);
    expect(batches).toHaveLength(1);
  });

  it('that come while others are under way wait for the next turn, and never for more', async () => {
    const { batches, reads } = recorder();
    const first = reads.readStream('a', 0);
    await nextTurn();
    const later = [reads.readStream('b', 0), reads.readStream('c', 0)];
    await Promise.all([first, ...later]);
    expect(batches.map((batch) => batch.map(({ stream }) => stream))).toEqual([['a'], ['b', 'c']]);
  });

  it('go on after a failure, which is told to all who were part of it', async () => {
    const { reads, failWith } = recorder();
    failWith(new Error('away'));
    const failed = await Promise.allSettled([reads.readStream('a', 0), reads.readStream('b', 0)]);
    expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    failWith();
    expect(await reads.readStream('a', 0)).toEqual(['a from 0']);
  });

  it('of a name that no stream can have find nothing, and disturb no other', async () => {
    const { batches, reads } = recorder();
    expect(await Promise.all([reads.readStream('a\0', 0), reads.readStream('b', 0)])).toEqual([[], ['b from 0']]);
    expect(batches).toEqual([[{ stream: 'b', fromRevision: 0 }]]);
  });
});
