import { EventStoreDBClient } from '@eventstore/db-client';
import { anEvent, someEvents, someMetadata } from '../testing/event-builders.js';
import { startEventStoreDbDouble, type EventStoreDbDouble } from '../testing/eventstoredb-double/index.js';
import { TcpProxy } from '../testing/tcp-proxy.js';
import { describeEventLogContract, type EventLogHarness, type RunningStore } from './event-log.contract.js';
import { BEFORE_START, LogRestored, NO_STREAM } from './event-log.js';
import { EventStoreDbEventLog } from './eventstoredb-event-log.js';

class DoubleStore implements RunningStore {
  private constructor(private readonly double: EventStoreDbDouble) {}

  static async start(): Promise<DoubleStore> {
    return new DoubleStore(await startEventStoreDbDouble());
  }

  async open(): Promise<EventStoreDbEventLog> {
    return EventStoreDbEventLog.connect({ url: this.double.url });
  }

  async cutConnections(): Promise<void> {
    this.double.control.cutConnections();
  }

  restart(): Promise<void> {
    return this.double.control.restart();
  }

  restoreEarlier(position: number): Promise<void> {
    return this.double.control.restoreEarlier(position);
  }

  stop(): Promise<void> {
    return this.double.stop();
  }
}

/** A server that was there before, reached through a proxy, since it can't be restarted from here. */
class RealStore implements RunningStore {
  private constructor(
    private readonly proxy: TcpProxy,
    private readonly url: string,
  ) {}

  static async start(url: string): Promise<RealStore> {
    const [, credentials, host, port, rest] = /^esdb:\/\/([^@]+@)?([^:/?,]+)(?::(\d+))?(\/?(?:\?.*)?)$/.exec(url) ?? [];
    if (!host) throw new Error('EVENTSTORE_URL must name one server, so that a proxy can stand before it');
    const proxy = await TcpProxy.start({ host, port: Number(port ?? 2113) });
    const proxied = `esdb://${credentials ?? ''}${proxy.address.host}:${proxy.address.port}${rest ?? ''}`;
    return new RealStore(proxy, proxied);
  }

  async open(): Promise<EventStoreDbEventLog> {
    return EventStoreDbEventLog.connect({ url: this.url });
  }

  async cutConnections(): Promise<void> {
    this.proxy.cut();
  }

  async restart(): Promise<void> {
    await this.proxy.refuse();
    await this.proxy.accept();
  }

  stop(): Promise<void> {
    return this.proxy.stop();
  }
}

const realUrl = process.env['EVENTSTORE_URL'];
const harness: EventLogHarness = realUrl
  ? { start: () => RealStore.start(realUrl), capabilities: { exclusive: false, restores: false } }
  : { start: () => DoubleStore.start() };

describeEventLogContract('EventStoreDbEventLog', harness);

describe('EventStoreDbEventLog', () => {
  let double: EventStoreDbDouble;
  let log: EventStoreDbEventLog;

  beforeEach(async () => {
    double = await startEventStoreDbDouble();
    log = EventStoreDbEventLog.connect({ url: double.url });
  });

  afterEach(async () => {
    await log.close();
    await double.stop();
  });

  describe('what is ours', () => {
    it('has no head and no events while the server wrote only its own', async () => {
      await log.incarnation();
      expect(await log.head()).toBe(BEFORE_START);
      expect(await log.readAll(BEFORE_START, 10)).toEqual([]);
    });

    it('has the last event of ours as its head, however much the server wrote after it', async () => {
      const { position } = await log.append('ours', NO_STREAM, [anEvent()]);
      writeOfTheServersOwn(double, 500);
      expect(await log.head()).toBe(position);
    });

    it('reads on over what the server wrote, until it has as many as were asked for', async () => {
      const [first, ...more] = someEvents(4);
      const { position } = await log.append('ours', NO_STREAM, [first!]);
      writeOfTheServersOwn(double, 100);
      await log.append('ours', 0, more);
      expect((await log.readAll(position, 2)).map(({ id }) => id)).toEqual(more.slice(0, 2).map(({ id }) => id));
      expect(await log.readAll(BEFORE_START, 10)).toEqual(await log.readStream('ours'));
    });

    it('hands followers neither what the server wrote nor the identity of the log', async () => {
      const events = someEvents(3);
      for (const [index, event] of events.entries()) {
        await log.append('ours', index - 1, [event]);
        writeOfTheServersOwn(double, 10);
      }
      expect(await firstIds(log, 3)).toEqual(events.map(({ id }) => id));
    });

    it('leaves out what others wrote to the same server', async () => {
      const foreign = EventStoreDBClient.connectionString(double.url);
      const event = { id: anEvent().id, type: 'order-placed', metadata: undefined };
      const bytes = new Uint8Array([1, 2, 3]);
      await foreign.appendToStream('orders', { ...event, contentType: 'application/octet-stream', data: bytes });
      await foreign.dispose();
      const ours = anEvent();
      const { position } = await log.append('ours', NO_STREAM, [ours]);
      expect(await log.readAll(BEFORE_START, 10)).toMatchObject([{ id: ours.id, position }]);
      expect(await firstIds(log, 1)).toEqual([ours.id]);
    });

    it.each([
      ['countersign-log', 'sample-recorded.v1'],
      ['$stream', 'sample-recorded.v1'],
      ['stream', '$type'],
    ])('refuses to append where no follower looks: to %s, of type %s', async (stream, type) => {
      await expect(log.append(stream, NO_STREAM, [anEvent({ type })])).rejects.toBeInstanceOf(TypeError);
      expect(double.control.counts.appends).toBe(0);
    });

    it('refuses the nil UUID, which the server takes for no id at all', async () => {
      const id = '00000000-0000-0000-0000-000000000000';
      await expect(log.append('ours', NO_STREAM, [anEvent({ id })])).rejects.toBeInstanceOf(TypeError);
    });
  });

  describe('the identity of a log', () => {
    it('is the same for all who ask at once, and after a restart', async () => {
      const others = Array.from({ length: 5 }, () => EventStoreDbEventLog.connect({ url: double.url }));
      const answers = await Promise.all([log, ...others].map((each) => each.incarnation()));
      expect(new Set(answers).size).toBe(1);
      await double.control.restart();
      expect(await log.incarnation()).toBe(answers[0]);
      await Promise.all(others.map((other) => other.close()));
    });

    it('differs between two logs', async () => {
      const another = await startEventStoreDbDouble();
      const anotherLog = EventStoreDbEventLog.connect({ url: another.url });
      expect(await anotherLog.incarnation()).not.toBe(await log.incarnation());
      await anotherLog.close();
      await another.stop();
    });

    it('is older than the first event, so that a restored copy keeps it', async () => {
      const { position } = await log.append('ours', NO_STREAM, [anEvent()]);
      await log.append('ours', 0, [anEvent()]);
      const incarnation = await log.incarnation();
      await double.control.restoreEarlier(position);
      expect(await log.incarnation()).toBe(incarnation);
    });
  });

  describe('what the server does to streams', () => {
    it('reads a soft-deleted stream as empty and goes on with its revisions', async () => {
      await log.append('ours', NO_STREAM, someEvents(3));
      double.control.log.softDelete('ours');
      expect(await log.readStream('ours')).toEqual([]);
      expect(await log.append('ours', NO_STREAM, [anEvent()])).toMatchObject({ revision: 3 });
    });

    it('says what is wrong with a stream that was tombstoned', async () => {
      await log.append('ours', NO_STREAM, [anEvent()]);
      double.control.log.tombstone('ours');
      await expect(log.readStream('ours')).rejects.toThrow('ours was tombstoned on the server');
      await expect(log.append('ours', 0, [anEvent()])).rejects.toThrow('ours was tombstoned on the server');
    });

    it('does not take passing trouble for another log', async () => {
      const { position } = await log.append('ours', NO_STREAM, [anEvent()]);
      double.control.failEveryRead('unknown');
      const read = log.readAll(position, 10);
      const { reads } = double.control.counts;
      await double.control.until((counts) => counts.reads > reads + 3);
      double.control.failEveryRead(null);
      expect(await read).toEqual([]);
    });

    it('takes a position at which no event begins for one of another log', async () => {
      const { position } = await log.append('ours', NO_STREAM, [anEvent()]);
      await expect(log.readAll(position - 1, 10)).rejects.toBeInstanceOf(LogRestored);
    });
  });
});

function writeOfTheServersOwn(double: EventStoreDbDouble, count: number): void {
  for (let number = 0; number < count; number++) {
    const projected = number % 2 === 0;
    const [stream, type] = projected ? ['$projections-totals-result', 'Result'] : ['$stats-0', '$statsCollected'];
    // As like ours as a projection can make it.
    double.control.log.system(stream!, type!, { data: { number } }, someMetadata());
  }
}

async function firstIds(log: EventStoreDbEventLog, count: number): Promise<string[]> {
  const stopping = new AbortController();
  const ids: string[] = [];
  for await (const batch of log.follow({ after: null, maxBatch: 100, signal: stopping.signal })) {
    ids.push(...batch.map(({ id }) => id));
    if (ids.length >= count) stopping.abort();
  }
  return ids;
}
