import { SpiceDbUnavailable } from '../../libs/authorization/index.js';
import { EventLogUnavailable } from '../../libs/event-store/index.js';
import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';
import { until } from '../../libs/testing/until.js';
import { type Answered, aTenant, done, StandIns } from './world.js';

let app: TestApp;
const standIns = new StandIns();

beforeAll(async () => {
  app = await startTestApp();
});

afterAll(async () => {
  await app?.stop();
});

afterEach(() => {
  standIns.takeBack();
});

/** What it says once it has looked again: it looks once a second. */
const notReady = (): Promise<Answered> =>
  until(async () => {
    const answer = await app.as().get('/readyz');
    return answer.status === 503 && answer;
  });
const away = (error: Error) => (): Promise<never> => Promise.reject(error);

describe('health', () => {
  it('is told to anybody', async () => {
    expect(await app.as().get('/healthz')).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect(await app.as().get('/readyz')).toMatchObject({
      status: 200,
      body: { status: 'ok', dependencies: { database: 'ok', eventStore: 'ok', spicedb: 'ok', personalDataKeys: 'ok' } },
    });
  });

  it('names the dependency that is away: not ready, though alive', async () => {
    standIns.put(app.runtime.spicedb, 'readSchema', away(new SpiceDbUnavailable('away')));
    const answer = await notReady();
    expect(answer).toMatchObject({ status: 503, body: { code: 'dependency-unavailable' } });
    expect(answer.body.detail).toContain('spicedb');
    expect(answer.headers.get('retry-after')).toBe('2');
    expect((await app.as().get('/healthz')).status).toBe(200);
  });

  it('is not ready while a dependency does not answer at all', async () => {
    standIns.put(app.runtime.log, 'head', () => new Promise(() => undefined));
    await until(async () => String((await notReady()).body.detail).includes('eventStore'));
  });
});

it('is not ready while a stored key of personal data is wrapped by one that the process was not given', async () => {
  await app.runtime.pool.query(
    `insert into subject_key (subject, wrapped_key, wrapping_key_id) values ('user:ann', '\\x00', 'another')`,
  );
  const { body } = await notReady();
  expect(body.detail).toBe('PERSONAL_DATA_KEYS of this process lacks a key that is in use');
  await app.runtime.pool.query(`delete from subject_key where subject = 'user:ann'`);
  await until(async () => (await app.as().get('/readyz')).status === 200);
});

describe('P11 with a dependency away', () => {
  it('without SpiceDB routes that must ask it are refused with 503, and nothing changes', async () => {
    const { owner, path, rootId } = await aTenant(app);
    const head = await app.runtime.log.head();
    standIns.put(app.runtime.spicedb, 'checkAll', away(new SpiceDbUnavailable('away')));
    standIns.put(app.runtime.spicedb, 'lookupResources', away(new SpiceDbUnavailable('away')));
    for (const answer of [
      await owner.get(path),
      await owner.get('/v1/tenants'),
      await owner.patch(path, { name: 'x' }),
      await owner.delete(path),
      await owner.post(`${path}/workspaces`, { name: 'x', parentId: rootId }),
    ]) {
      expect(answer).toMatchObject({ status: 503, body: { code: 'dependency-unavailable' } });
      expect(answer.headers.get('retry-after')).toBe('2');
    }
    expect(await app.runtime.log.head()).toBe(head);
  });

  it('without the event store commands are refused with 503, and reads go on', async () => {
    const { owner, path } = await aTenant(app);
    standIns.put(app.runtime.log, 'append', away(new EventLogUnavailable('away')));
    expect(await owner.patch(path, { name: 'never' })).toMatchObject({
      status: 503,
      body: { code: 'dependency-unavailable' },
    });
    expect((await owner.get(path)).status).toBe(200);
    standIns.takeBack();
    expect((await owner.patch(path, { name: 'now it works' })).status).toBe(200);
  });

  it('without the event store a member is read without the revision that it knows', async () => {
    const { owner, path } = await aTenant(app);
    const member = `${path}/members/${owner.id}`;
    expect((await owner.get(member)).headers.get('etag')).toBe('"1"');
    for (const answer of [away(new EventLogUnavailable('away')), () => new Promise<never>(() => undefined)]) {
      standIns.put(app.runtime.log, 'readStream', answer);
      const { status, body, headers } = await owner.get(member);
      expect([status, body.revision, headers.get('etag')]).toEqual([200, null, null]);
      standIns.takeBack();
    }
  });

  it('TW-048 a tenant whose root workspace can’t be saved is not there; the same call completes it', async () => {
    const { owner } = await aTenant(app);
    const headers = { 'idempotency-key': 'root-can-t-be-saved' };
    const append = app.runtime.log.append.bind(app.runtime.log);
    standIns.put(app.runtime.log, 'append', (stream, ...rest) =>
      stream.startsWith('workspaces-') ? Promise.reject(new EventLogUnavailable('away')) : append(stream, ...rest),
    );
    const create = () => owner.post('/v1/tenants', { name: 'half a tenant' }, headers);
    expect((await create()).status).toBe(503);
    expect((await owner.get('/v1/tenants?name=half%20a%20tenant')).body.items).toEqual([]);
    standIns.takeBack();
    const created = await done(create());
    expect(created.body).toMatchObject({ name: 'half a tenant', revision: 1, effective: true });
    expect((await owner.get('/v1/tenants?name=half%20a%20tenant')).body.items).toHaveLength(1);
  });
});
