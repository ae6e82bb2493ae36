import { setImmediate as nextTurn } from 'node:timers/promises';
import { anEvent, someEvents } from '../testing/event-builders.js';
import { appendSurely, type ContractWorld } from './contract-world.js';
import { EventLogUnavailable, NO_STREAM, type EventLog, type EventToAppend } from './event-log.js';

type Outage = 'restart' | 'cutConnections';

const WRITERS = 8;
const OUTAGES: Outage[] = ['cutConnections', 'restart'];

export function itSurvivesOutages(world: ContractWorld): void {
  it.each(OUTAGES)('goes on following after %s, without missing or doubling', async (outage) => {
    const [log, reader] = [await world.open(), await world.open()];
    const stream = world.newStream();
    const start = anEvent();
    const { position } = await log.append(stream, NO_STREAM, [start]);
    const following = world.follow(reader, { after: { position, eventId: start.id } });
    const [before, during, after] = [someEvents(5), someEvents(5), someEvents(5)];
    await log.append(stream, 0, before);
    await following.untilSeen(before);
    const stopped = world.store[outage]();
    await appendSurely(log, stream, 5, during);
    await stopped;
    await appendSurely(log, stream, 10, after);
    await following.untilSeen([...during, ...after]);
    expect(following.seen).toEqual(await log.readStream(stream, 1));
  });

  it.each(OUTAGES)(
    'stores appends that are in flight during %s once, when repeated until acknowledged',
    async (outage) => {
      const log = await world.open();
      const writers = Array.from({ length: WRITERS }, () => new SteadyWriter(log, world.newStream()));
      await Promise.all(writers.map((writer) => writer.untilAcknowledged(5)));
      await world.store[outage]();
      await Promise.all(writers.map((writer) => writer.untilAcknowledged(writer.events.length + 5)));
      await Promise.all(writers.map((writer) => writer.stop()));
      for (const { stream, events, positions } of writers) {
        const stored = await log.readStream(stream);
        expect(stored.map(({ id }) => id)).toEqual(events.map(({ id }) => id));
        expect(stored.map(({ position }) => position)).toEqual(positions);
      }
    },
  );

  it('reads again after a restart', async () => {
    const log = await world.open();
    const stream = world.newStream();
    await log.append(stream, NO_STREAM, [anEvent()]);
    const incarnation = await log.incarnation();
    await world.store.restart();
    await appendSurely(log, stream, 0, [anEvent()]);
    expect(await log.readStream(stream)).toHaveLength(2);
    expect(await log.incarnation()).toBe(incarnation);
  });
}

export function itCloses(world: ContractWorld): void {
  it('settles every append in flight when it closes, and has stored what it acknowledged', async () => {
    const [log, reader] = [await world.open(), await world.open()];
    const appends = someEvents(60).map((event, index) => ({ event, stream: world.newStream(), hot: index % 3 === 0 }));
    const hot = world.newStream();
    const inFlight = appends.map((append, index) =>
      append.hot
        ? log.append(hot, index / 3 - 1, [append.event])
        : log.append(append.stream, NO_STREAM, [append.event]),
    );
    let settled = 0;
    for (const append of inFlight) void append.catch(() => undefined).then(() => settled++);
    await log.close();
    await nextTurn();
    expect(settled).toBe(inFlight.length);
    const outcomes = await Promise.allSettled(inFlight);
    for (const [index, outcome] of outcomes.entries()) {
      const { event, stream, hot: isHot } = appends[index]!;
      if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(EventLogUnavailable);
      else expect((await reader.readStream(isHot ? hot : stream)).map(({ id }) => id)).toContain(event.id);
    }
  });

  it('refuses appends after it closed, leaves other clients alone, and closes twice without harm', async () => {
    const [closed, other] = [await world.open(), await world.open()];
    const stream = world.newStream();
    await Promise.all([closed.close(), closed.close()]);
    await closed.close();
    await expect(closed.append(stream, NO_STREAM, [anEvent()])).rejects.toBeInstanceOf(EventLogUnavailable);
    expect(await other.append(stream, NO_STREAM, [anEvent()])).toMatchObject({ revision: 0 });
  });
}

/** Appends one event after the other and repeats each until it is acknowledged. */
class SteadyWriter {
  readonly events: EventToAppend[] = [];
  readonly positions: number[] = [];
  private readonly finished: Promise<void>;
  private stopping = false;
  private acknowledged: () => void = () => undefined;

  constructor(
    private readonly log: EventLog,
    readonly stream: string,
  ) {
    this.finished = this.run();
    this.finished.catch(() => undefined);
  }

  async untilAcknowledged(count: number): Promise<void> {
    while (this.positions.length < count) {
      await Promise.race([new Promise<void>((resolve) => (this.acknowledged = resolve)), this.finished]);
    }
  }

  stop(): Promise<void> {
    this.stopping = true;
    return this.finished;
  }

  private async run(): Promise<void> {
    while (!this.stopping) {
      const event = anEvent();
      this.events.push(event);
      const { position } = await appendSurely(this.log, this.stream, this.events.length - 2, [event]);
      this.positions.push(position);
      this.acknowledged();
    }
  }
}
