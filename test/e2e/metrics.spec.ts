import { type SideServer, serveMetrics } from '../../libs/platform/index.js';
import { readRelayFigures } from '../../libs/projections/index.js';
import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';
import { until } from '../../libs/testing/index.js';
import { aMember, aTenant, Gate, StandIns, stopChecked } from './world.js';

interface Sample {
  labels: Record<string, string>;
  value: number;
}

const gate = new Gate<string>();
const standIns = new StandIns();
let app: TestApp;
let served: SideServer;

beforeAll(async () => {
  app = await startTestApp({ at: gate.at });
  served = await serveMetrics(app.runtime.metrics, { host: '127.0.0.1', port: 0 });
});

afterEach(() => {
  gate.open();
  standIns.takeBack();
});

afterAll(async () => {
  await served?.close();
  await stopChecked(app);
});

/** Parses every line of the text format, and refuses what is none of it. */
async function scrape(): Promise<{ samples: Map<string, Sample[]>; text: string }> {
  const answer = await fetch(`${served.url}/metrics`);
  expect([answer.status, answer.headers.get('content-type')]).toEqual([
    200,
    expect.stringMatching(/^text\/plain; version=0/),
  ]);
  const text = await answer.text();
  const samples = new Map<string, Sample[]>();
  for (const line of text.split('\n').filter((found) => found !== '' && !found.startsWith('#'))) {
    const [, name, labels = '', value] = /^([a-z_:][a-z0-9_:]*)(?:\{(.*)\})? (\S+)$/i.exec(line) ?? [];
    expect([line, Number.isNaN(Number(value))]).toEqual([line, value === 'Nan']);
    const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, given]) => [key!, given!]);
    samples.set(name!, [...(samples.get(name!) ?? []), { labels: Object.fromEntries(pairs), value: Number(value) }]);
  }
  return { samples, text };
}

const valueOf = (samples: Map<string, Sample[]>, name: string): number | undefined => samples.get(name)?.[0]?.value;

describe('the metrics', () => {
  it('count calls by the pattern of their route, and hold no id', async () => {
    const tenant = await aTenant(app);
    const member = await aMember(app, tenant);
    await tenant.owner.get(tenant.path);
    await app.as().get('/v1/nothing/at/all');
    await app.settled();
    await until(async () => valueOf((await scrape()).samples, 'countersign_commit_to_visible_seconds_count')! > 0);
    const { samples, text } = await scrape();
    const calls = samples.get('countersign_http_request_duration_seconds_count')!;
    expect(calls).toContainEqual({
      labels: { method: 'GET', route: '/v1/tenants/:tenantId', status: '200' },
      value: expect.any(Number),
    });
    expect(calls).toContainEqual({ labels: { method: 'GET', route: 'unmatched', status: '404' }, value: 1 });
    for (const id of [tenant.id, tenant.rootId, member.id]) expect(text).not.toContain(id);
    expect(text).not.toMatch(/[0-7][0-9A-HJKMNP-TV-Z]{25}/);
  });

  it('follow the conventions: base units, totals, help and type', async () => {
    const { text } = await scrape();
    const types = [...text.matchAll(/^# TYPE (countersign_\w+) (\w+)$/gm)].map(([, name, type]) => [name!, type!]);
    expect(types.length).toBeGreaterThan(15);
    for (const [name, type] of types) {
      expect(text).toMatch(new RegExp(`^# HELP ${name} .+\\.$`, 'm'));
      expect([name, type === 'counter']).toEqual([name, name!.endsWith('_total')]);
      if (type === 'histogram') expect(name).toMatch(/_seconds$/);
    }
  });

  it('measure appends, commits, deliveries, and how long it takes until an effect can be seen', async () => {
    const { samples } = await scrape();
    for (const name of [
      'countersign_append_duration_seconds_count',
      'countersign_relay_commit_duration_seconds_count',
      'countersign_relay_committed_events_total',
      'countersign_delivery_duration_seconds_count',
      'countersign_delivered_updates_total',
      'countersign_commit_to_visible_seconds_count',
    ]) {
      expect([name, valueOf(samples, name)]).toEqual([name, expect.any(Number)]);
      expect(valueOf(samples, name)).toBeGreaterThan(0);
    }
    expect(valueOf(samples, 'countersign_relay_active')).toBe(1);
    expect(valueOf(samples, 'countersign_relay_lease_held')).toBe(1);
  });

  it('tell what is not delivered, by the numbers of the status', async () => {
    const tenant = await aTenant(app);
    await app.settled();
    gate.hold('before-delivery');
    const { owner, path } = tenant;
    await owner.post(`${path}/workspaces`, { name: 'late', parentId: tenant.rootId }, { prefer: 'wait=0' });
    await until(async () => (await readRelayFigures(app.runtime)).undelivered > 0);
    await until(async () => (await readRelayFigures(app.runtime)).lagEvents === 0);
    const [{ samples }, figures] = [await scrape(), await readRelayFigures(app.runtime)];
    expect({
      head: valueOf(samples, 'countersign_log_head_position'),
      checkpoint: valueOf(samples, 'countersign_relay_checkpoint_position'),
      delivered: valueOf(samples, 'countersign_delivery_position'),
      lagEvents: valueOf(samples, 'countersign_relay_lag_events'),
      undelivered: valueOf(samples, 'countersign_undelivered_changes'),
    }).toEqual({
      ...{ head: figures.head, checkpoint: figures.checkpoint, delivered: figures.delivered },
      ...{ lagEvents: figures.lagEvents, undelivered: figures.undelivered },
    });
    expect(valueOf(samples, 'countersign_undelivered_oldest_seconds')).toBeGreaterThanOrEqual(0);
    expect(
      samples
        .get('countersign_parked')!
        .map(({ labels }) => labels.stage)
        .sort(),
    ).toEqual(['delivery', 'event', 'process']);
  });

  it('are answered while a store is away, without what only it can tell', async () => {
    standIns.put(app.runtime.log, 'head', () => Promise.reject(new Error('away')));
    const { samples } = await scrape();
    expect(valueOf(samples, 'countersign_relay_figures_readable')).toBe(0);
    expect(samples.get('countersign_relay_lag_events')).toBeUndefined();
    expect(valueOf(samples, 'countersign_relay_active')).toBe(1);
    standIns.takeBack();
    expect(valueOf((await scrape()).samples, 'countersign_relay_lag_events')).toBe(0);
  });

  it('are all that is there', async () => {
    expect((await fetch(`${served.url}/other`)).status).toBe(404);
  });
});
