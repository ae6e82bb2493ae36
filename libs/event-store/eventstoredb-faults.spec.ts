import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { anEvent, someEvents } from '../testing/event-builders.js';
import {
  startEventStoreDbDouble,
  type AppendFault,
  type EventStoreDbDouble,
} from '../testing/eventstoredb-double/index.js';
import { appendSurely, Following, type FollowTest } from './contract-world.js';
import { EventLogUnavailable, NO_STREAM, RevisionConflict } from './event-log.js';
import { EventStoreDbEventLog } from './eventstoredb-event-log.js';

const IMPATIENT = { attemptMs: 400, deadlineMs: 12_000, silenceMs: 200 };
const HASTY = { ...IMPATIENT, deadlineMs: 1_600 };
const ENDLESS = { attemptMs: 3_600_000, deadlineMs: 3_600_000, silenceMs: 200 };

describe('EventStoreDbEventLog in trouble', () => {
  let double: EventStoreDbDouble;
  let log: EventStoreDbEventLog;
  let others: EventStoreDbEventLog[];
  let followings: Following[];

  const open = (timing = IMPATIENT): EventStoreDbEventLog => {
    const other = EventStoreDbEventLog.connect({ url: double.url, timing });
    others.push(other);
    return other;
  };

  const follow = (test: FollowTest = {}, of = log): Following => {
    const following = new Following(of, () => true, test);
    followings.push(following);
    return following;
  };

  beforeEach(async () => {
    double = await startEventStoreDbDouble();
    [others, followings] = [[], []];
    log = open();
    await log.append('first', NO_STREAM, [anEvent()]);
  });

  afterEach(async () => {
    double.control.thawConnections();
    const stopped = await Promise.allSettled(followings.map((following) => following.stop()));
    await Promise.all(others.map((other) => other.close()));
    await double.stop();
    expect(stopped.filter(({ status }) => status === 'rejected')).toEqual([]);
  });

  describe('appends', () => {
    const faults: AppendFault[] = [
      'not-ready',
      'hang',
      'lose-reply',
      'cut-before',
      'cut-after',
      'answer-twice',
      'time-out-after',
      'no-position',
      { delayMs: 600 },
    ];

    it.each(faults)('stores once, and answers as ever, what meets with %j', async (fault) => {
      double.control.failNextAppends(fault);
      const appended = await log.append('troubled', NO_STREAM, someEvents(3));
      const stored = await log.readStream('troubled');
      expect(stored).toHaveLength(3);
      expect(appended).toEqual({ revision: 2, position: stored[2]?.position });
      expect(await log.append('troubled', 2, [anEvent()])).toMatchObject({ revision: 3 });
    });

    it('still refuses a conflict when the first attempt got lost', async () => {
      double.control.failNextAppends('hang');
      await expect(log.append('first', NO_STREAM, [anEvent()])).rejects.toBeInstanceOf(RevisionConflict);
    });

    it.each<AppendFault>(['hang', 'lose-reply', 'not-ready', 'time-out-after'])(
      'are unavailable after the deadline when every one meets with %s, and a repeat finds them',
      async (fault) => {
        double.control.failEveryAppend(fault);
        const events = someEvents(2);
        await expect(open(HASTY).append('troubled', NO_STREAM, events)).rejects.toBeInstanceOf(EventLogUnavailable);
        double.control.failEveryAppend(null);
        expect(await log.append('troubled', NO_STREAM, events)).toMatchObject({ revision: 1 });
        expect(await log.readStream('troubled')).toHaveLength(2);
      },
    );

    it('are unavailable while connections are refused, and available after', async () => {
      const hasty = open(HASTY);
      await double.control.refuseConnections();
      const events = someEvents(1);
      await expect(hasty.append('troubled', NO_STREAM, events)).rejects.toBeInstanceOf(EventLogUnavailable);
      await expect(hasty.head()).rejects.toBeInstanceOf(EventLogUnavailable);
      await double.control.acceptConnections();
      expect(await appendSurely(hasty, 'troubled', NO_STREAM, events)).toMatchObject({ revision: 0 });
    });

    it('keep the order of calls to one stream when the first of them must be repeated', async () => {
      double.control.failNextAppends('hang', 'cut-after', 'not-ready');
      const events = someEvents(5);
      await Promise.all(events.map((event, index) => log.append('ordered', index - 1, [event])));
      expect((await log.readStream('ordered')).map(({ id }) => id)).toEqual(events.map(({ id }) => id));
    });

    it('are unavailable, however many, while nothing passes and nobody says so', async () => {
      const hasty = open(HASTY);
      double.control.freezeConnections();
      const waiting = someEvents(40).map((event, index) => hasty.append(`frozen-${index}`, NO_STREAM, [event]));
      const outcomes = await Promise.allSettled(waiting);
      for (const outcome of outcomes) expect(outcome).toMatchObject({ reason: expect.any(EventLogUnavailable) });
      double.control.thawConnections();
      expect(await appendSurely(hasty, 'thawed', NO_STREAM, [anEvent()])).toMatchObject({ revision: 0 });
    });

    it('go to a new connection when the old one is stranded', async () => {
      double.control.strandConnections();
      expect(await log.append('stranded', NO_STREAM, [anEvent()])).toMatchObject({ revision: 0 });
    });

    it('are stored once though the connection to another server breaks', async () => {
      const another = await startEventStoreDbDouble();
      const anotherLog = EventStoreDbEventLog.connect({ url: another.url, timing: IMPATIENT });
      await anotherLog.append('first', NO_STREAM, [anEvent()]);
      for (let number = 0; number < 5; number++) {
        double.control.failNextAppends({ delayMs: 50 });
        const { appends } = double.control.counts;
        const appended = log.append(`across-${number}`, NO_STREAM, [anEvent()]);
        await double.control.until((counts) => counts.appends > appends);
        another.control.cutConnections();
        expect(await appended).toMatchObject({ revision: 0 });
        await appendSurely(anotherLog, 'first', number, [anEvent()]);
      }
      await anotherLog.close();
      await another.stop();
    });

    it('get over a server that at first could not say what it can', async () => {
      const hasty = open(HASTY);
      double.control.haveCapabilities('unspoken');
      await double.control.restart();
      const events = someEvents(2);
      await expect(hasty.append('unspoken', NO_STREAM, events)).rejects.toBeInstanceOf(EventLogUnavailable);
      double.control.haveCapabilities('batch-appends');
      expect(await appendSurely(hasty, 'unspoken', NO_STREAM, events)).toMatchObject({ revision: 1 });
    });

    it('of one log are not disturbed when another log of the process closes', async () => {
      const other = open();
      await other.head();
      double.control.failNextAppends({ delayMs: 100 });
      const appended = log.append('slow', NO_STREAM, [anEvent()]);
      await double.control.until(({ appends }) => appends === 3);
      await other.close();
      expect(await appended).toMatchObject({ revision: 0 });
      expect(double.control.counts.appends).toBe(3);
    });
  });

  describe('a server of another kind', () => {
    it('is found through the gossip of a cluster, and again after a restart', async () => {
      const clustered = EventStoreDbEventLog.connect({ url: double.discoveryUrl, timing: IMPATIENT });
      others.push(clustered);
      await appendSurely(clustered, 'clustered', NO_STREAM, [anEvent()]);
      await double.control.restart();
      await appendSurely(clustered, 'clustered', 0, [anEvent()]);
      expect(await clustered.readStream('clustered')).toHaveLength(2);
    });

    it('is found behind the first host of several that answers', async () => {
      const { host } = new URL(double.url);
      const one = EventStoreDbEventLog.connect({ url: `esdb://127.0.0.1:1,${host}?tls=false`, timing: IMPATIENT });
      others.push(one);
      await appendSurely(one, 'clustered', NO_STREAM, [anEvent()]);
      expect(await one.readStream('clustered')).toHaveLength(1);
    });

    it.each<AppendFault>(['hang', 'lose-reply', 'cut-after', 'not-ready', 'time-out-after'])(
      'takes single appends where it has no batches, also through %s',
      async (fault) => {
        double.control.haveCapabilities('single-appends');
        await double.control.restart();
        const events = someEvents(3);
        double.control.failNextAppends(fault);
        expect(await appendSurely(log, 'single', NO_STREAM, events)).toMatchObject({ revision: 2 });
        expect(await log.append('single', NO_STREAM, events)).toMatchObject({ revision: 2 });
        await expect(log.append('single', NO_STREAM, [anEvent()])).rejects.toMatchObject({ actual: 2 });
        expect(await log.readStream('single')).toHaveLength(3);
      },
    );
  });

  describe('followers', () => {
    it('notice a subscription that is silent without an end', async () => {
      const following = follow();
      await following.until((seen) => seen.length === 1);
      await double.control.until(({ liveSubscriptions }) => liveSubscriptions === 1);
      double.control.muteSubscriptions();
      const events = someEvents(3);
      await log.append('unsaid', NO_STREAM, events);
      await following.untilSeen(events);
      expect(following.seen.map(({ revision }) => revision)).toEqual([0, 0, 1, 2]);
      expect(double.control.counts.subscriptions).toBe(2);
    });

    it('go to a new connection when the old one is stranded, as reads do', async () => {
      const following = follow();
      await following.until((seen) => seen.length === 1);
      double.control.strandConnections();
      expect(await log.head()).toBe(following.seen[0]?.position);
      const event = anEvent();
      await log.append('stranded', NO_STREAM, [event]);
      await following.untilSeen([event]);
    });

    it('go on after connections that were dead without a word', async () => {
      const following = follow();
      await following.until((seen) => seen.length === 1);
      double.control.freezeConnections();
      await expect(open(HASTY).head()).rejects.toBeInstanceOf(EventLogUnavailable);
      double.control.cutConnections();
      double.control.thawConnections();
      const event = anEvent();
      await appendSurely(log, 'after', NO_STREAM, [event]);
      await following.untilSeen([event]);
      expect(following.seen).toHaveLength(2);
    });

    it('wait for a server that is not ready', async () => {
      double.control.failEveryRead('not-ready');
      const following = follow();
      await double.control.until(({ reads }) => reads > 3);
      double.control.failEveryRead(null);
      await following.until((seen) => seen.length === 1);
    });

    it('get everything once, though so slow that the server gives them up', async () => {
      let release = (): void => undefined;
      const released = new Promise<void>((resolve) => (release = resolve));
      const following = follow({ maxBatch: 10, onBatch: () => released });
      await following.until((seen) => seen.length === 1);
      const busy = EventStoreDbEventLog.connect({ url: double.url });
      others.push(busy);
      const text = 'x'.repeat(5_000);
      for (let revision = NO_STREAM; revision < 999; revision += 20) {
        await busy.append('busy', revision, someEvents(20, { data: { text } }));
      }
      await double.control.until(({ liveSubscriptions }) => liveSubscriptions === 0);
      release();
      await following.until((seen) => seen.length === 1_001);
      expect(following.seen).toEqual(await busy.readAll(-1, 2_000));
      expect(double.control.counts.subscriptions).toBeGreaterThan(1);
    });

    it('end at once when they are aborted while nothing answers', async () => {
      double.control.failEveryRead('hang');
      const following = follow({}, open(ENDLESS));
      await double.control.until(({ reads }) => reads >= 2);
      await following.stop();
    });

    it('end with an error when their log is closed under them', async () => {
      const following = follow();
      await following.until((seen) => seen.length === 1);
      followings = [];
      await log.close();
      await expect(following.ended).rejects.toBeInstanceOf(EventLogUnavailable);
    });
  });

  describe('closing', () => {
    it('settles appends and reads that the server never answers', async () => {
      double.control.failEveryAppend('hang');
      double.control.failEveryRead('hang');
      const appends = someEvents(30).map((event) => log.append('hanging', NO_STREAM, [event]));
      const outcomes = Promise.allSettled([...appends, log.head(), log.readStream('first')]);
      await log.close();
      for (const outcome of await outcomes) expect(outcome).toMatchObject({ reason: expect.any(EventLogUnavailable) });
    });

    it('refuses reads and followers from then on', async () => {
      await log.close();
      await expect(log.head()).rejects.toBeInstanceOf(EventLogUnavailable);
      await expect(log.incarnation()).rejects.toBeInstanceOf(EventLogUnavailable);
      const followed = log.follow({ after: null, maxBatch: 1, signal: new AbortController().signal });
      await expect(followed[Symbol.asyncIterator]().next()).rejects.toBeInstanceOf(EventLogUnavailable);
    });

    it('releases its connections', async () => {
      const following = follow();
      await following.until((seen) => seen.length === 1);
      await following.stop();
      await log.close();
      await double.control.untilDisconnected();
    });

    it('leaves nothing that keeps the process alive, after everything that can happen', async () => {
      expect(await runAlone(A_HARD_LIFE)).toBe('closed\n');
    });
  });

  it('survives that a stalled connection with many appends on it breaks', async () => {
    expect(await runAlone(A_STALLED_CONNECTION)).toBe('200 unavailable or stored, once each\n');
  });
});

const A_HARD_LIFE = `
  const log = EventStoreDbEventLog.connect({ url: double.url });
  await log.append('a', -1, [anEvent()]);
  const stopping = new AbortController();
  for await (const batch of log.follow({ after: null, maxBatch: 1, signal: stopping.signal })) stopping.abort();
  double.control.failNextAppends('cut-after', 'answer-twice');
  await log.append('a', 0, [anEvent()]);
  await double.control.restart();
  await log.append('a', 1, [anEvent()]);
  await log.head();
  await log.close();
  await double.stop();
  console.log('closed');
`;

const A_STALLED_CONNECTION = `
  const log = EventStoreDbEventLog.connect({ url: double.url, timing: { attemptMs: 1_000, deadlineMs: 2_000 } });
  await log.append('a', -1, [anEvent()]);
  double.control.freezeConnections();
  const data = { text: 'x'.repeat(10_000) };
  const events = Array.from({ length: 200 }, () => anEvent({ data }));
  const settled = Promise.allSettled(events.map((event, index) => log.append('s-' + index, -1, [event])));
  double.control.cutConnections();
  double.control.thawConnections();
  const outcomes = await settled;
  let right = 0;
  for (const [index, outcome] of outcomes.entries()) {
    const stored = await log.readStream('s-' + index);
    if (outcome.status === 'fulfilled' ? stored.length === 1 : outcome.reason.name === 'EventLogUnavailable') right++;
  }
  await log.close();
  await double.stop();
  console.log(right + ' unavailable or stored, once each');
`;

/** In a process of its own, which must end by itself; an unhandled rejection or an uncaught error fails it. */
async function runAlone(script: string): Promise<string> {
  const compiled = (path: string): string =>
    pathToFileURL(join(import.meta.dirname, '..', '..', 'dist', 'libs', path)).href;
  const source = `
    import { startEventStoreDbDouble } from '${compiled('testing/eventstoredb-double/index.js')}';
    import { anEvent } from '${compiled('testing/event-builders.js')}';
    import { EventStoreDbEventLog } from '${compiled('event-store/eventstoredb-event-log.js')}';
    const double = await startEventStoreDbDouble();
    ${script}
  `;
  const args = ['--input-type=module', '--eval', source];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 30_000 });
  return stdout;
}
