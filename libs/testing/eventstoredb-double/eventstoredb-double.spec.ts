import {
  ANY,
  BACKWARDS,
  END,
  EventStoreDBClient,
  jsonEvent,
  MaxAppendSizeExceededError,
  NO_STREAM,
  START,
  STREAM_EXISTS,
  StreamDeletedError,
  streamNameFilter,
  StreamNotFoundError,
  TimeoutError,
  UnavailableError,
  UnknownError,
  WrongExpectedVersionError,
  type AllStreamResolvedEvent,
  type AllStreamSubscription,
  type AppendResult,
  type StreamingRead,
} from '@eventstore/db-client';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { startEventStoreDbDouble, type EventStoreDbDouble } from './index.js';

const realUrl = process.env['EVENTSTORE_URL'];
const onDoubleOnly = realUrl ? describe.skip : describe;

const anEvent = (data: Record<string, unknown> = {}) => jsonEvent({ type: 'sample-recorded.v1', data, metadata: {} });
const someEvents = (count: number) => Array.from({ length: count }, (_, number) => anEvent({ number }));

/** What was measured on a real server; with EVENTSTORE_URL set it is measured there again. */
describe('What the client sees of EventStoreDB', () => {
  let double: EventStoreDbDouble | null;
  let client: EventStoreDBClient;
  let stream: string;

  const append = (events: ReturnType<typeof someEvents>, expectedRevision: typeof NO_STREAM | typeof ANY | bigint) =>
    client.appendToStream(stream, events, { expectedRevision });

  beforeEach(async () => {
    double = realUrl ? null : await startEventStoreDbDouble();
    client = EventStoreDBClient.connectionString(realUrl ?? double!.url);
    stream = `facts-${randomUUID()}`;
  });

  afterEach(async () => {
    await client.dispose();
    await double?.stop();
  });

  describe('appending', () => {
    it('lets one of 64 racers win and tells the others the actual revision', async () => {
      const outcomes = await Promise.allSettled(someEvents(64).map((event) => append([event], NO_STREAM)));
      const losers = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as Error] : []));
      expect(losers).toHaveLength(63);
      for (const loser of losers) expect(loser).toMatchObject({ type: 'wrong-expected-version', actualVersion: 0n });
      expect(losers[0]).toBeInstanceOf(WrongExpectedVersionError);
    });

    it('says no_stream where there is no stream', async () => {
      await expect(append([anEvent()], 3n)).rejects.toMatchObject({ actualVersion: 'no_stream' });
      const expectedRevision = STREAM_EXISTS;
      const appended = client.appendToStream(stream, [anEvent()], { expectedRevision });
      await expect(appended).rejects.toBeInstanceOf(WrongExpectedVersionError);
    });

    it('repeats its answer for the same ids and expectation, also after later writes and with ANY', async () => {
      const [first, second] = [someEvents(3), someEvents(2)];
      const answers = [await append(first, NO_STREAM), await append(second, 2n)];
      await append(someEvents(1), 4n);
      expect([await append(first, NO_STREAM), await append(second, 2n)]).toEqual(answers);
      expect(await append(second, ANY)).toEqual(answers[1]);
    });

    it('takes the beginning of an earlier append for a repeat, and every other overlap for a conflict', async () => {
      const [a, b] = [anEvent(), anEvent()];
      await append([a, b], NO_STREAM);
      expect(await append([a], NO_STREAM)).toMatchObject({ nextExpectedRevision: 0n });
      for (const overlap of [[a, anEvent()], [a, b, anEvent()], [b], [b, a]]) {
        await expect(append(overlap, NO_STREAM)).rejects.toMatchObject({ actualVersion: 1n });
      }
    });

    it('answers with the position of the last event, and pretends to have appended nothing at 0', async () => {
      const { position, nextExpectedRevision } = await append(someEvents(4), NO_STREAM);
      const read = await all(client.readStream(stream));
      expect(nextExpectedRevision).toBe(3n);
      expect(read[3]?.event?.position).toEqual(position);
      expect(position?.commit).toBe(position?.prepare);
      expect(await append([], 3n)).toMatchObject({ nextExpectedRevision: 0n });
    });

    it('refuses more than 1 MiB', async () => {
      const large = anEvent({ text: 'x'.repeat(1_048_576) });
      await expect(append([large], NO_STREAM)).rejects.toBeInstanceOf(MaxAppendSizeExceededError);
      expect(await append([anEvent()], NO_STREAM)).toMatchObject({ nextExpectedRevision: 0n });
    });
  });

  describe('deleting', () => {
    it('finds no soft-deleted stream, and goes on with its revisions', async () => {
      await append(someEvents(3), NO_STREAM);
      await client.deleteStream(stream);
      await expect(all(client.readStream(stream))).rejects.toBeInstanceOf(StreamNotFoundError);
      expect(await append([anEvent()], NO_STREAM)).toMatchObject({ nextExpectedRevision: 3n });
      expect(await all(client.readStream(stream))).toHaveLength(1);
    });

    it('refuses a tombstoned stream, and finds none that never was', async () => {
      await expect(all(client.readStream(stream))).rejects.toBeInstanceOf(StreamNotFoundError);
      await append([anEvent()], NO_STREAM);
      await client.tombstoneStream(stream);
      await expect(all(client.readStream(stream))).rejects.toMatchObject({ type: 'stream-deleted' });
      await expect(append([anEvent()], 0n)).rejects.toBeInstanceOf(StreamDeletedError);
    });
  });

  describe('reading $all', () => {
    it('begins at the position forwards, before it backwards, and silently beyond the end', async () => {
      const first = await append(someEvents(3), NO_STREAM);
      await append(someEvents(3), 2n);
      const fromPosition = first.position!;
      const forwards = await all(client.readAll({ fromPosition, maxCount: 1 }));
      expect(forwards[0]?.event).toMatchObject({ revision: 2n, position: fromPosition });
      const backwards = await all(client.readAll({ fromPosition, maxCount: 2, direction: BACKWARDS }));
      expect(backwards.map(({ event }) => event?.revision)).toEqual([1n, 0n]);
      const [last] = await all(client.readAll({ fromPosition: END, maxCount: 1, direction: BACKWARDS }));
      const beyond = last!.event!.position.commit + 1_000_000n;
      expect(await all(client.readAll({ fromPosition: { commit: beyond, prepare: beyond } }))).toEqual([]);
    });

    it('says unknown of a position at which no record begins', async () => {
      await append(someEvents(3), NO_STREAM);
      const [{ event } = {}] = await all(client.readStream(stream, { fromRevision: 1n }));
      const between = event!.position!.commit + 7n;
      const read = all(client.readAll({ fromPosition: { commit: between, prepare: between } }));
      await expect(read).rejects.toBeInstanceOf(UnknownError);
    });

    it('holds what the server writes', async () => {
      const read = await all(client.readAll({ maxCount: 50 }));
      expect(read.some(({ event }) => event?.streamId.startsWith('$'))).toBe(true);
    });
  });

  describe('subscribing to $all', () => {
    it('begins after the position, tells of checkpoints and of having caught up, and goes on live', async () => {
      const { position } = await append(someEvents(3), NO_STREAM);
      await append(someEvents(100), 2n);
      const checkpoints: bigint[] = [];
      const checkpointReached = async (_: unknown, { commit }: { commit: bigint }) => void checkpoints.push(commit);
      const filter = streamNameFilter({ prefixes: [stream], maxSearchWindow: 10, checkpointReached });
      const subscription = client.subscribeToAll({ fromPosition: position!, filter });
      const caughtUp = once(subscription, 'caughtUp');
      const seen = untilSeen(subscription, 101);
      await caughtUp;
      await append([anEvent()], 102n);
      expect((await seen).map(({ event }) => event?.revision)).toEqual(
        Array.from({ length: 101 }, (_, i) => BigInt(i + 3)),
      );
      expect(checkpoints.length).toBeGreaterThan(0);
      await subscription.unsubscribe();
    });
  });

  onDoubleOnly('when it is in trouble', () => {
    it('is unavailable to appends in flight, and again to whoever appends while it is down', async () => {
      await append([anEvent()], NO_STREAM);
      double!.control.failNextAppends('cut-after');
      await expect(append([anEvent()], 0n)).rejects.toBeInstanceOf(UnavailableError);
      await double!.control.refuseConnections();
      await expect(append([anEvent()], 1n)).rejects.toMatchObject({ code: 14 });
    });

    it('is not ready in a way that the client does not know', async () => {
      double!.control.failNextAppends('not-ready');
      const appended: Promise<AppendResult> = append([anEvent()], NO_STREAM);
      await expect(appended).rejects.toMatchObject({ type: 'unknown', message: /Server Is Not Ready/ });
    });

    it('ends live subscriptions with an unknown error when it stops', async () => {
      const subscription = client.subscribeToAll({ fromPosition: START });
      const failed = new Promise((resolve) => subscription.on('error', resolve));
      subscription.resume();
      await once(subscription, 'caughtUp');
      await double!.control.restart();
      expect(await failed).toBeInstanceOf(UnknownError);
    });

    it('ends the live subscription of a slow consumer with a timeout', async () => {
      const subscription = client.subscribeToAll({ fromPosition: END });
      const failed = new Promise((resolve) => subscription.on('error', resolve));
      await double!.control.until(({ liveSubscriptions }) => liveSubscriptions === 1);
      const large = anEvent({ text: 'x'.repeat(20_000) });
      for (let count = 0; count < 200; count++) await append([{ ...large, id: randomUUID() }], ANY);
      await double!.control.until(({ liveSubscriptions }) => liveSubscriptions === 0);
      subscription.resume();
      expect(await failed).toBeInstanceOf(TimeoutError);
    });
  });
});

async function all<T>(read: StreamingRead<T>): Promise<T[]> {
  const events: T[] = [];
  for await (const event of read) events.push(event);
  return events;
}

function untilSeen(subscription: AllStreamSubscription, count: number): Promise<AllStreamResolvedEvent[]> {
  const seen: AllStreamResolvedEvent[] = [];
  return new Promise((resolve, reject) => {
    subscription.on('error', reject);
    subscription.on('data', (event: AllStreamResolvedEvent) => {
      if (seen.push(event) === count) resolve(seen);
    });
  });
}
