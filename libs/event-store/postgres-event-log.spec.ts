import { Client } from 'pg';
import { anEvent, someEvents } from '../testing/event-builders.js';
import { TcpProxy } from '../testing/tcp-proxy.js';
import { createTestDatabase } from '../testing/test-database.js';
import { Following, appendSurely } from './contract-world.js';
import { describeEventLogContract, type RunningStore } from './event-log.contract.js';
import { EventLogUnavailable, NO_STREAM, RevisionConflict, BEFORE_START } from './event-log.js';
import { PostgresEventLog } from './postgres-event-log.js';
import { PostgresListener } from './postgres-listener.js';

const WAITING = `wait_event_type = 'Lock'`;

/** A database behind a proxy, and a way around the proxy. */
class PostgresStore implements RunningStore {
  private constructor(
    readonly proxy: TcpProxy,
    readonly directUrl: string,
    readonly direct: Client,
    readonly url: string,
    private readonly drop: () => Promise<void>,
  ) {}

  static async start(): Promise<PostgresStore> {
    const database = await createTestDatabase();
    const url = new URL(database.url);
    const proxy = await TcpProxy.start({ host: url.hostname, port: Number(url.port) });
    url.port = String(proxy.address.port);
    const direct = new Client({ connectionString: database.url });
    await direct.connect();
    return new PostgresStore(proxy, database.url, direct, url.href, () => database.drop());
  }

  async open(): Promise<PostgresEventLog> {
    return PostgresEventLog.connect({ url: this.url });
  }

  async cutConnections(): Promise<void> {
    this.proxy.cut();
  }

  async restart(): Promise<void> {
    await this.proxy.refuse();
    await this.endBackends();
    await this.proxy.accept();
  }

  async restoreEarlier(position: number): Promise<void> {
    await this.proxy.refuse();
    await this.endBackends();
    await this.direct.query(`DELETE FROM event_log.event WHERE position > ${position}`);
    await this.direct.query('DELETE FROM event_log.stream');
    await this.direct.query(
      'INSERT INTO event_log.stream SELECT stream, max(revision) FROM event_log.event GROUP BY 1',
    );
    await this.direct.query(`UPDATE event_log.head SET last_position = ${position}`);
    await this.proxy.accept();
  }

  async stop(): Promise<void> {
    await this.proxy.stop();
    await this.direct.end();
    await this.drop();
  }

  private async endBackends(): Promise<void> {
    const others = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`;
    while ((await this.direct.query(others)).rowCount) continue;
  }
}

describeEventLogContract('PostgresEventLog', { start: () => PostgresStore.start() });

describe('PostgresEventLog', () => {
  let store: PostgresStore;
  let log: PostgresEventLog;
  let followings: Following[];

  const follow = (): Following => {
    const following = new Following(log, () => true, {});
    followings.push(following);
    return following;
  };

  beforeEach(async () => {
    store = await PostgresStore.start();
    log = await store.open();
    followings = [];
  });

  afterEach(async () => {
    store.proxy.thaw();
    await Promise.all(followings.map((following) => following.stop()));
    await log.close();
    await store.stop();
  });

  /** As an append whose notification got lost. */
  const appendSilently = async (stream: string): Promise<{ id: string }> => {
    const event = anEvent();
    const appends = [{ stream, expected: NO_STREAM, events: [event] }];
    await store.direct.query('SELECT * FROM event_log.append($1)', [JSON.stringify(appends)]);
    return event;
  };

  it('numbers the log from 0 without gaps, two clients side by side and conflicts between', async () => {
    const other = await store.open();
    const streams = Array.from({ length: 10 }, (_, index) => `side-by-side-${index}`);
    for (let revision = NO_STREAM; revision < 10; revision++) {
      const appends = streams.flatMap((stream) => [
        log.append(stream, revision, [anEvent()]),
        other.append(stream, revision, [anEvent()]),
      ]);
      const outcomes = await Promise.allSettled(appends);
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(10);
    }
    await other.close();
    const positions = (await log.readAll(BEFORE_START, 1000)).map(({ position }) => position);
    expect(positions).toEqual(Array.from({ length: 110 }, (_, index) => index));
    expect(await log.head()).toBe(109);
  });

  it('has no head before the first event', async () => {
    expect(await log.head()).toBe(BEFORE_START);
    expect(await log.readAll(BEFORE_START, 10)).toEqual([]);
  });

  it('finds by its poll an event whose notification got lost', async () => {
    const following = follow();
    await backends(`query = 'LISTEN event_log'`, 1);
    const announced = anEvent();
    await log.append('announced', NO_STREAM, [announced]);
    await following.untilSeen([announced]);
    // Its notification and the listener's first wake-up may be late and find one each.
    for (const stream of ['one', 'two', 'three']) await following.untilSeen([await appendSilently(stream)]);
  });

  it('goes on following when its connections die without a word and come back', async () => {
    const following = follow();
    await following.untilSeen([await appendSilently('before')]);
    store.proxy.freeze();
    const missed = await appendSilently('meanwhile');
    await store.restart();
    store.proxy.thaw();
    await following.untilSeen([missed]);
  });

  it('goes on following after an outage that outlasts the attempts of a read', async () => {
    const outlasted = deferred();
    const warn = (_: unknown, message: string): void =>
      message.startsWith('cannot follow') ? outlasted.resolve() : undefined;
    const reader = PostgresEventLog.connect({ url: store.url, log: { warn } });
    const following = new Following(reader, () => true, {});
    await following.untilSeen([await appendSilently('before')]);
    await store.proxy.refuse();
    await outlasted.promise;
    const missed = await appendSilently('meanwhile');
    await store.proxy.accept();
    await following.untilSeen([missed]);
    expect(following.seen).toHaveLength(2);
    await following.stop();
    await reader.close();
  });

  it('tells those who listen of every commit', async () => {
    let woken = deferred();
    const listener = new PostgresListener(store.url, () => woken.resolve(), { warn: () => undefined });
    await woken.promise;
    for (const [index, event] of someEvents(3).entries()) {
      woken = deferred();
      await log.append('announced', index - 1, [event]);
      await woken.promise;
    }
    listener.close();
  });

  it('notices by its heartbeat a listening connection that died without a word', async () => {
    const lost = deferred();
    const woken = deferred();
    let reconnected = false;
    const onWake = (): void => (reconnected ? woken.resolve() : undefined);
    const listener = new PostgresListener(store.url, onWake, { warn: lost.resolve }, 20, 200);
    await backends(`query = 'SELECT 1'`, 1);
    store.proxy.freeze();
    await lost.promise;
    reconnected = true;
    store.proxy.thaw();
    await woken.promise;
    listener.close();
  });

  it('refuses an id that its stream holds elsewhere, and nothing else in the same commit', async () => {
    const [reused, ...others] = someEvents(20);
    await log.append('holds-it', NO_STREAM, [reused!]);
    const refused = log.append('holds-it', 0, [reused!]);
    const accepted = others.map((event, index) => log.append(`neighbour-${index}`, NO_STREAM, [event]));
    await expect(refused).rejects.toBeInstanceOf(RevisionConflict);
    expect(await Promise.all(accepted)).toHaveLength(19);
    expect(await log.head()).toBe(19);
  });

  it('answers as usual when the answer to a commit got lost', async () => {
    const holder = await holdTheHead();
    const appended = log.append('unanswered', NO_STREAM, someEvents(2));
    await backends(WAITING, 1);
    await store.cutConnections();
    await backends(WAITING, 2);
    await holder.end();
    expect(await appended).toEqual({ revision: 1, position: 1 });
    expect(await log.readAll(BEFORE_START, 10)).toHaveLength(2);
    expect(await log.append('unanswered', 1, [anEvent()])).toEqual({ revision: 2, position: 2 });
  });

  it('says that it is unavailable after a bounded number of attempts, also to those who wait behind', async () => {
    await store.proxy.refuse();
    const events = someEvents(2);
    const appends = events.map((event, index) => log.append('refused', index - 1, [event]));
    const [first, behind] = await Promise.allSettled(appends);
    expect(first).toMatchObject({ reason: { name: 'EventLogUnavailable' } });
    expect(behind).toMatchObject({
      reason: { name: 'EventLogUnavailable', message: expect.stringContaining('nothing was written') },
    });
    await expect(log.head()).rejects.toBeInstanceOf(EventLogUnavailable);
    await store.proxy.accept();
    expect(await appendSurely(log, 'refused', NO_STREAM, events)).toEqual({ revision: 1, position: 1 });
  });

  it('ends a follower with an error when the log is closed under it', async () => {
    const following = follow();
    await following.untilSeen([await appendSilently('seen')]);
    followings = [];
    await log.close();
    await expect(following.ended).rejects.toBeInstanceOf(EventLogUnavailable);
  });

  async function holdTheHead(): Promise<Client> {
    const holder = new Client({ connectionString: store.directUrl });
    await holder.connect();
    await holder.query('BEGIN');
    await holder.query('SELECT FROM event_log.head FOR UPDATE');
    return holder;
  }

  async function backends(condition: string, count: number): Promise<void> {
    const found = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND ${condition}`;
    while ((await store.direct.query(found)).rowCount !== count) continue;
  }
});

function deferred(): { promise: Promise<void>; resolve(): void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((settle) => (resolve = settle));
  return { promise, resolve: () => resolve() };
}
