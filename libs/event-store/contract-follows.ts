import { anEvent, someEvents } from '../testing/event-builders.js';
import { checkpointAt, type ContractWorld } from './contract-world.js';
import { NO_STREAM, type EventLog, type EventToAppend } from './event-log.js';

const WRITERS = 8;
const APPENDS_EACH = 40;

export function itFollows(world: ContractWorld): void {
  it('follows from the first event of the log', async () => {
    const log = await world.open();
    const events = someEvents(3);
    await log.append(world.newStream(), NO_STREAM, events);
    const following = world.follow(log);
    await following.untilSeen(events);
    const all = await world.readOurs(log);
    expect(following.seen).toEqual(all);
  });

  it('goes on after a checkpoint, without its event', async () => {
    const log = await world.open();
    const stream = world.newStream();
    await log.append(stream, NO_STREAM, someEvents(6));
    const stored = await log.readStream(stream);
    const following = world.follow(log, { after: checkpointAt(stored[2]!) });
    await following.untilSeen(stored.slice(3));
    expect(following.seen).toEqual(stored.slice(3));
  });

  it('wakes for an event that is appended while it waits, by whichever client', async () => {
    const [log, other] = [await world.open(), await world.open()];
    const stream = world.newStream();
    const following = world.follow(log, { after: await startingPoint(world, log) });
    for (const [index, event] of someEvents(5).entries()) {
      await (index % 2 ? log : other).append(stream, index - 1, [event]);
      await following.untilSeen([event]);
    }
  });
}

export function itFollowsForEachConsumer(world: ContractWorld): void {
  it('hands a slow consumer everything, in order and in batches of at most maxBatch', async () => {
    const log = await world.open();
    const stream = world.newStream();
    const start = await startingPoint(world, log);
    const onBatch = async () => void (await log.readStream(stream, 0));
    const following = world.follow(log, { after: start, maxBatch: 7, onBatch });
    for (let revision = NO_STREAM; revision < 199; revision += 20) await log.append(stream, revision, someEvents(20));
    const stored = await log.readStream(stream);
    await following.untilSeen(stored);
    expect(following.seen).toEqual(stored);
    expect(Math.max(...following.batchSizes)).toBeLessThanOrEqual(7);
    expect(Math.min(...following.batchSizes)).toBeGreaterThan(0);
  });

  it('lets two followers go their own ways', async () => {
    const log = await world.open();
    const start = await startingPoint(world, log);
    const [one, other] = [world.follow(log, { after: start, maxBatch: 1 }), world.follow(log, { after: start })];
    const events = someEvents(10);
    await log.append(world.newStream(), NO_STREAM, events);
    await Promise.all([one.untilSeen(events), other.untilSeen(events)]);
    await one.stop();
    const later = anEvent();
    await log.append(world.newStream(), NO_STREAM, [later]);
    await other.untilSeen([later]);
    expect(one.seen).toEqual(other.seen.slice(0, 10));
  });
}

export function itEndsWhenAborted(world: ContractWorld): void {
  it('ends without an error when it is aborted: before it starts, while it waits, and with a batch in hand', async () => {
    const log = await world.open();
    const start = await startingPoint(world, log);
    const before = log.follow({ after: start, maxBatch: 10, signal: AbortSignal.abort() });
    for await (const batch of before) throw new Error(`unexpected: ${batch.length} events`);

    const waiting = world.follow(log, { after: start });
    const event = anEvent();
    await log.append(world.newStream(), NO_STREAM, [event]);
    await waiting.untilSeen([event]);
    await waiting.stop();

    const inHand = new AbortController();
    const batches = [];
    for await (const batch of log.follow({ after: start, maxBatch: 1, signal: inHand.signal })) {
      batches.push(batch);
      inHand.abort();
    }
    expect(batches).toHaveLength(1);
  });
}

export function itFollowsConcurrentWriters(world: ContractWorld): void {
  it('never misses, doubles or reorders an event while many write through two clients', async () => {
    const [reader, ...clients] = [await world.open(), await world.open(), await world.open()];
    const start = await startingPoint(world, reader);
    const following = world.follow(reader, { after: start, maxBatch: 25 });
    const written = await Promise.all(
      Array.from({ length: WRITERS }, (_, index) => write(clients[index % 2]!, world.newStream())),
    );
    await following.untilSeen(written.flatMap(({ events }) => events));
    expect(following.seen).toEqual(await world.readOurs(reader, start.position));
    for (const { stream, events, positions } of written) {
      const seen = following.seen.filter((event) => event.stream === stream);
      expect(seen.map(({ id }) => id)).toEqual(events.map(({ id }) => id));
      expect(seen.map(({ position }) => position)).toEqual(expect.arrayContaining(positions));
    }
    const positions = following.seen.map(({ position }) => position);
    expect(positions).toEqual([...positions].sort((a, b) => a - b));
  });
}

async function startingPoint(world: ContractWorld, log: EventLog): Promise<{ position: number; eventId: string }> {
  const event = anEvent();
  const { position } = await log.append(world.newStream(), NO_STREAM, [event]);
  return { position, eventId: event.id };
}

async function write(log: EventLog, stream: string) {
  const events: EventToAppend[] = [];
  const positions: number[] = [];
  for (let append = 0; append < APPENDS_EACH; append++) {
    const next = someEvents(1 + (append % 3));
    const { position } = await log.append(stream, events.length - 1, next);
    events.push(...next);
    positions.push(position);
  }
  return { stream, events, positions };
}
