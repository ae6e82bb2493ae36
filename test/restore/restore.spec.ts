import { ConsistencyTokens } from '../../libs/edge/index.js';
import { LogRestored, processContext } from '../../libs/event-store/index.js';
import { type EventStoreDbDouble, startEventStoreDbDouble } from '../../libs/testing/eventstoredb-double/index.js';
import { until } from '../../libs/testing/until.js';
import { acceptLostEvents, findLostEvents } from '../../libs/verification/index.js';
import { type Settled, Site } from './site.js';

let site: Site;
let double: EventStoreDbDouble | undefined;

afterEach(async () => {
  await site?.remove();
  await double?.stop();
  double = undefined;
});

/** With the log in a store of its own, as in production. */
async function siteOnEventStoreDb(): Promise<EventStoreDbDouble> {
  double = await startEventStoreDbDouble();
  site = await Site.create({ EVENTSTORE_URL: double.url });
  return double;
}
async function settled(): Promise<Settled> {
  const one = await site.settle();
  expect(await site.delivered()).toBe(true);
  return one;
}
/** The checks that found a difference. */
async function verified(): Promise<object[]> {
  const { code, found } = await site.operator('verify');
  const failed = (found['checks'] as { ok: boolean }[]).filter(({ ok }) => !ok);
  expect(code).toBe(failed.length > 0 ? 1 : 0);
  return failed;
}
const inDoubt = () =>
  until(() => {
    try {
      site.runtime.progress.requireSound();
      return false;
    } catch {
      return true;
    }
  });
const chains = () =>
  site.rows('select chain, max(sequence) as entries, max(hash) as hash from audit_entry group by chain order by chain');

describe('SpiceDB restored', () => {
  it('to an earlier time under a running relay is told, refused, and mended by repair', async () => {
    site = await Site.create();
    await site.start();
    const [gone, backup] = [await settled(), await site.relationships()];
    await site.dissolve(gone);
    const kept = await settled();
    await site.restoreRelationships(backup);
    expect(await site.tuplesOf(gone)).not.toEqual([]);
    const late = await site.settle();
    await inDoubt();
    expect(await site.delivered(200)).toBe(false);
    expect(site.logged.join('')).toContain('SpiceDB does not belong to the event log');
    expect((await site.operator('status')).code).toBe(1);
    expect((await site.operator('repair')).code).toBe(0);
    expect(await site.delivered()).toBe(true);
    site.runtime.progress.requireSound();
    expect(await site.tuplesOf(gone)).toEqual([]);
    for (const one of [kept, late]) expect(await site.tuplesOf(one)).not.toEqual([]);
    expect(await verified()).toEqual([]);
  });

  it('to nothing is filled by repair', async () => {
    site = await Site.create();
    await site.start();
    const one = await settled();
    await site.stop();
    await site.restoreRelationships([]);
    expect(await verified()).not.toEqual([]);
    await site.start();
    await inDoubt();
    await site.stop();
    expect((await site.operator('repair')).code).toBe(0);
    await site.start();
    expect(await site.delivered()).toBe(true);
    expect(await site.tuplesOf(one)).not.toEqual([]);
    expect(await verified()).toEqual([]);
  });
});

describe('PostgreSQL restored to an earlier time', () => {
  it('with the log in it leaves SpiceDB ahead, which is told, also once the log has grown past it', async () => {
    site = await Site.create();
    await site.start();
    const before = await settled();
    await site.stop();
    await site.keepDatabase();
    await site.start();
    const lost = await settled();
    await site.stop();
    await site.restoreDatabase();
    expect(await verified()).not.toEqual([]);

    await site.start();
    await inDoubt();
    const after = [await site.settle(), await site.settle(), await site.settle()];
    await until(() => site.logged.some((line) => line.includes('which this log does not have there')));
    expect(await site.delivered(200)).toBe(false);
    for (const one of after) expect(await site.tuplesOf(one)).toEqual([]);
    expect((await site.operator('repair')).code).toBe(0);
    expect(await site.delivered()).toBe(true);
    expect(await site.tuplesOf(lost)).toEqual([]);
    for (const one of [before, ...after]) expect(await site.tuplesOf(one)).not.toEqual([]);
    expect(await verified()).toEqual([]);
  });

  it('as the read side alone catches up with the log by itself, to the same trail', async () => {
    await siteOnEventStoreDb();
    await site.start();
    const before = await settled();
    await site.stop();
    await site.keepDatabase();
    await site.start();
    const after = await settled();
    await site.dissolve(before);
    expect(await site.delivered()).toBe(true);
    await site.stop();
    const trail = await chains();
    await site.restoreDatabase();
    expect(await chains()).not.toEqual(trail);
    await site.start();
    expect(await site.delivered()).toBe(true);
    const later = await settled();
    expect(await site.tuplesOf(before)).toEqual([]);
    for (const one of [after, later]) expect(await site.tuplesOf(one)).not.toEqual([]);
    expect(await chains()).toEqual(
      expect.arrayContaining(trail.filter((chain) => !('chain' in chain && chain.chain === 'system'))),
    );
    expect(await verified()).toEqual([]);
  });
});

describe('the event store restored to an earlier time', () => {
  const tokens = () => {
    const { log, pool, progress, config } = site.runtime;
    return new ConsistencyTokens(log, pool, config.signingKey, progress);
  };
  const tokenOfHead = async () =>
    tokens().issue({ position: await site.runtime.log.head(), correlationId: 'restored' });

  async function restoredEarlier(): Promise<{ before: Settled; lost: Settled; given: string[] }> {
    const { control } = await siteOnEventStoreDb();
    await site.start();
    const before = await settled();
    const position = await site.runtime.log.head();
    const given = [await tokenOfHead()];
    const lost = await settled();
    given.push(await tokenOfHead());
    await site.dissolve(before);
    expect(await site.delivered()).toBe(true);
    await site.stop();
    await control.restoreEarlier(position);
    return { before, lost, given };
  }

  it('stops the relay; what is lost is accepted by one command, on the record, or nothing changes', async () => {
    const { before, lost } = await restoredEarlier();
    expect(await verified()).not.toEqual([]);
    await site.start();
    expect(await until(() => site.relay.failure)).toBeInstanceOf(LogRestored);
    await inDoubt();
    expect(site.logged.join('')).toContain('operator rebuild --accept-lost-events');
    await site.stop();

    const refused = await site.operator('rebuild');
    expect(refused).toMatchObject({ code: 1, found: { lost: { count: expect.any(Number) } } });
    expect(await site.rows('select 1 from lost_audit_entry')).toEqual([]);
    expect((await site.operator('rebuild', '--accept-lost-events')).code).toBe(0);
    expect(await site.rows('select 1 from lost_audit_entry')).toHaveLength(
      (refused.found['lost'] as { count: number }).count,
    );
    expect(await site.tuplesOf(lost)).toEqual([]);
    expect(await site.tuplesOf(before)).not.toEqual([]);

    await site.start();
    const after = await settled();
    site.runtime.progress.requireSound();
    expect(await site.tuplesOf(after)).not.toEqual([]);
    expect(await site.rows(`select action from audit_entry where action = 'lost-events.accepted'`)).toHaveLength(1);
    expect(await verified()).toEqual([]);
  });

  it('refuses consistency tokens of what is lost, also once the log has grown past it', async () => {
    const { given } = await restoredEarlier();
    const [kept, lost] = given as [string, string];
    expect((await site.operator('rebuild', '--accept-lost-events')).code).toBe(0);
    await site.start();
    await expect(tokens().await(lost, 'delivered', 0)).rejects.toMatchObject({ code: 'foreign-log' });
    const length = await site.runtime.log.head();
    for (let more = 0; more < 3; more++) await settled();
    expect(await site.runtime.log.head()).toBeGreaterThan(length);
    await expect(tokens().await(lost, 'projected')).rejects.toMatchObject({ code: 'foreign-log' });
    for (const token of [kept, await tokenOfHead()]) await tokens().await(token, 'projected');
  });

  it('keeps the relay stopped while the rebuild is interrupted, and goes on with it', async () => {
    const { before, lost } = await restoredEarlier();
    await site.start();
    await until(() => site.relay.failure);
    const { pool, log, domain, clock, ids } = site.runtime;
    const followed = { pool, log, domain, partition: 0 };
    const found = await findLostEvents(followed);
    await acceptLostEvents({ ...followed, context: processContext('test', clock, ids) }, found!);
    await site.stop();
    await site.start();
    expect((await until(() => site.relay.failure)).message).toContain('operator rebuild');
    await site.stop();
    expect((await site.operator('rebuild')).code).toBe(0);
    await site.start();
    expect(await site.delivered()).toBe(true);
    expect(await site.tuplesOf(lost)).toEqual([]);
    expect(await site.tuplesOf(before)).not.toEqual([]);
    expect(await verified()).toEqual([]);
  });
});

describe('the checkpoint, lost', () => {
  it('is told by the relay, replay and verify, which change nothing; a rebuild finds it on the trail', async () => {
    site = await Site.create();
    await site.start();
    const one = await settled();
    await site.stop();
    await site.rows('delete from relay_checkpoint');
    const before = await site.rows('select * from tenant order by id');
    for (const command of [['replay', 'all'], ['replay', 'relationships'], ['verify']] as const) {
      const { code, found } = await site.operator(...command);
      expect(code).toBe(1);
      const message = expect.stringMatching(/relay_checkpoint is missing.+run: operator rebuild/) as string;
      expect(found).toEqual({ error: { exitCode: 1, message } });
    }
    await site.start();
    expect((await until(() => site.relay.failure)).message).toContain('run: operator rebuild');
    await inDoubt();
    await site.stop();
    expect(await site.rows('select * from tenant order by id')).toEqual(before);

    expect((await site.operator('rebuild')).code).toBe(0);
    await site.start();
    const after = await settled();
    site.runtime.progress.requireSound();
    for (const settledOne of [one, after]) expect(await site.tuplesOf(settledOne)).not.toEqual([]);
    expect(await verified()).toEqual([]);
  });

  it('and the end of the log with it is a loss that is accepted or not', async () => {
    const { control } = await siteOnEventStoreDb();
    await site.start();
    const kept = await settled();
    const position = await site.runtime.log.head();
    const lost = await settled();
    await site.stop();
    await control.restoreEarlier(position);
    await site.rows('delete from relay_checkpoint');
    expect(await site.operator('rebuild')).toMatchObject({ code: 1, found: { lost: { last: { position } } } });
    expect(await site.rows('select 1 from relay_checkpoint')).toEqual([]);
    expect((await site.operator('rebuild', '--accept-lost-events')).code).toBe(0);
    await site.start();
    expect(await site.delivered()).toBe(true);
    expect(await site.tuplesOf(lost)).toEqual([]);
    expect(await site.tuplesOf(kept)).not.toEqual([]);
    expect(await verified()).toEqual([]);
  });
});

it('a rebuild makes everything anew from the log where nothing is lost, and waits for no relay', async () => {
  site = await Site.create();
  await site.start();
  const one = await settled();
  await expect(site.operator('rebuild')).rejects.toThrow('A relay is active');
  await site.stop();
  await site.rows(`delete from tenant; update app_user set email = 'x'; delete from relationship_source`);
  await site.restoreRelationships([]);
  expect((await site.operator('rebuild')).code).toBe(0);
  expect(await verified()).toEqual([]);
  expect(await site.tuplesOf(one)).not.toEqual([]);
});
