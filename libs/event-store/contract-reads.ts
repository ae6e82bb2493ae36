import { randomUUID } from 'node:crypto';
import { anEvent, someEvents, someMetadata } from '../testing/event-builders.js';
import type { ContractWorld } from './contract-world.js';
import { NO_STREAM, type JsonObject } from './event-log.js';

const DIFFICULT_JSON: Record<string, JsonObject> = {
  'unicode as it was written': {
    e: 'é',
    decomposed: 'e\u0301',
    emoji: '👩‍👩‍👧',
    rtl: 'שלום',
    ß: '\u2028',
    '\u007f': '\u0001',
  },
  'text that looks escaped': { quote: '"\\', almostNul: '\\u0000', almostSurrogate: '\\ud800', line: '\r\n\t' },
  'numbers exactly': {
    numbers: [0, -1, 0.1, 1.5e-7, 5e-324, 2 ** 60, Number.MAX_SAFE_INTEGER, 1e21, Number.MAX_VALUE, -2.5],
  },
  'nesting, empties and null': { deep: [[[{ a: [{}] }]]], none: null, object: {}, list: [], text: '', no: false },
  'keys of every kind': { b: 1, a: 2, '10': 3, '9': 4, '': 5, 'a b': 6, constructor: 7 },
  'no members': {},
};

export function itStoresExactly(world: ContractWorld): void {
  it.each(Object.entries(DIFFICULT_JSON))(
    'TW-030 gives back %s, in data, personal and metadata',
    async (_what, json) => {
      const log = await world.open();
      const stream = world.newStream();
      const metadata = someMetadata({ personal: { actorName: JSON.stringify(json) }, causationId: randomUUID() });
      const event = anEvent({ data: json, personal: json, metadata });
      await log.append(stream, NO_STREAM, [event]);
      const [read] = await log.readStream(stream);
      expect(read).toEqual({ ...event, stream, revision: 0, position: expect.any(Number) });
    },
  );

  it('tells no personal part from an empty one', async () => {
    const log = await world.open();
    const stream = world.newStream();
    await log.append(stream, NO_STREAM, [anEvent(), anEvent({ personal: {} })]);
    const [without, empty] = await log.readStream(stream);
    expect(without && 'personal' in without).toBe(false);
    expect(empty?.personal).toEqual({});
  });
}

export function itReads(world: ContractWorld, exclusive: boolean): void {
  it('reads a stream from a revision on, and nothing where there is nothing', async () => {
    const log = await world.open();
    const stream = world.newStream();
    const events = someEvents(5);
    await log.append(stream, NO_STREAM, events);
    expect((await log.readStream(stream)).map(({ id }) => id)).toEqual(events.map(({ id }) => id));
    expect((await log.readStream(stream, 3)).map(({ revision }) => revision)).toEqual([3, 4]);
    expect(await log.readStream(stream, 5)).toEqual([]);
    expect(await log.readStream(world.newStream())).toEqual([]);
    expect(await log.readStream(world.newStream(), 7)).toEqual([]);
  });

  it.each([1, 3, 1000])('neither misses nor doubles an event when all is read in pages of %i', async (pageSize) => {
    const log = await world.open();
    const start = await log.append(world.newStream(), NO_STREAM, [anEvent()]);
    const [one, other] = [world.newStream(), world.newStream()];
    for (let round = 0; round < 5; round++) {
      await log.append(one, round * 2 - 1, someEvents(2));
      await log.append(other, round - 1, [anEvent()]);
    }
    const read = await world.readOurs(log, start.position, pageSize);
    expect(read).toHaveLength(15);
    expect(read.filter(({ stream }) => stream === one)).toEqual(await log.readStream(one));
    expect(read.filter(({ stream }) => stream === other)).toEqual(await log.readStream(other));
    const positions = read.map(({ position }) => position);
    expect(positions).toEqual([...new Set(positions)].sort((a, b) => a - b));
    expect(positions.every(Number.isSafeInteger)).toBe(true);
  });

  it('has the last event of ours as its head, and nothing of ours after it', async () => {
    const log = await world.open();
    await log.append(world.newStream(), NO_STREAM, [anEvent()]);
    const last = await log.append(world.newStream(), NO_STREAM, someEvents(3));
    const head = await log.head();
    if (exclusive) expect(head).toBe(last.position);
    expect(head).toBeGreaterThanOrEqual(last.position);
    expect(await world.readOurs(log, head)).toEqual([]);
  });

  it('shows every client the same log: its incarnation, and at once what another client was acknowledged', async () => {
    const [one, other] = [await world.open(), await world.open()];
    const stream = world.newStream();
    const { position } = await one.append(stream, NO_STREAM, [anEvent()]);
    expect(await other.head()).toBeGreaterThanOrEqual(position);
    expect(await other.readStream(stream)).toEqual(await one.readStream(stream));
    expect(await other.incarnation()).toBe(await one.incarnation());
    expect(await one.incarnation()).not.toBe('');
  });
}
