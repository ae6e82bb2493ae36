import { type SubjectKeys, WrappingKeyRefused } from '../../libs/personal-data/index.js';
import { createLogger, Metrics, type SideServer } from '../../libs/platform/index.js';
import { type Served, serveHealth } from './serve-health.js';

let server: SideServer;
let requireUsable: () => Promise<void>;
let relay: Served['relay'];

beforeEach(async () => {
  requireUsable = async () => undefined;
  relay = { active: true, failure: undefined };
  server = await serveHealth(
    { host: '127.0.0.1', relayPort: 0 },
    {
      keys: { requireUsable: () => requireUsable() } as unknown as SubjectKeys,
      logger: createLogger({ level: 'silent', name: 'spec' }),
      metrics: new Metrics(),
      relay,
    },
  );
});

afterEach(() => server.close());

async function ready(): Promise<object> {
  const answer = await fetch(`${server.url}/readyz`);
  return { code: answer.status, ...((await answer.json()) as object) };
}

it('a relay is ready, active or not, while it can work', async () => {
  const dependencies = { database: 'ok', personalDataKeys: 'ok' };
  expect(await ready()).toEqual({ code: 200, status: 'ok', role: 'active', dependencies });
  Object.assign(relay, { active: false });
  expect(await ready()).toMatchObject({ code: 200, role: 'standby' });
});

it('a relay that lacks a key that is in use is not ready, and says which variable lacks it', async () => {
  requireUsable = () => Promise.reject(new WrappingKeyRefused('keys are wrapped by the key b'));
  const personalDataKeys = 'PERSONAL_DATA_KEYS lacks a key that is in use';
  expect(await ready()).toMatchObject({ code: 503, dependencies: { database: 'ok', personalDataKeys } });
});

it('a relay whose database does not answer is not ready', async () => {
  requireUsable = () => Promise.reject(new Error('away'));
  expect(await ready()).toMatchObject({ code: 503, dependencies: { database: 'not answering' } });
});

it('a relay that has stopped for good is not ready, whatever answers', async () => {
  Object.assign(relay, { active: false, failure: new Error('its place is gone') });
  expect(await ready()).toMatchObject({ code: 503, role: 'stopped', dependencies: { database: 'ok' } });
});
