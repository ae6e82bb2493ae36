import {
  answerMetrics,
  answersWithin,
  atMostEvery,
  type Config,
  type Logger,
  type Metrics,
  serveBeside,
  type SideAnswer,
  type SideServer,
} from '../../libs/platform/index.js';
import { takenPort, usableKeys } from '../../libs/wiring/index.js';
import type { SubjectKeys } from '../../libs/personal-data/index.js';
import type { Relay } from './relay.js';

const CHECK_MS = 2_000;
/** However many probe. */
const CHECKED_EVERY_MS = 1_000;

export interface Served {
  keys: SubjectKeys;
  logger: Logger;
  relay: Pick<Relay, 'active' | 'failure'>;
  metrics: Metrics;
}

/**
 * `/healthz`: the process answers; `/readyz`: the database does, too, the process was given every key of personal data
 * that is in use, and whether this relay is the active one; `/metrics`.
 */
export function serveHealth(
  { host, relayPort }: Pick<Config, 'host' | 'relayPort'>,
  served: Served,
): Promise<SideServer> {
  const usable = usableKeys(served.keys, ({ message }) =>
    served.logger.error({ error: message }, 'relay is not ready'),
  );
  const found = atMostEvery(CHECKED_EVERY_MS, () => look(usable));
  return serveBeside({ host, port: relayPort }, (path) => answerTo(path, served, found)).catch(
    takenPort('RELAY_PORT', relayPort),
  );
}

interface Found {
  database: 'ok' | 'not answering';
  personalDataKeys: 'ok' | 'PERSONAL_DATA_KEYS lacks a key that is in use' | 'unknown';
}

async function look(keysUsable: () => Promise<boolean>): Promise<Found> {
  let usable = true;
  const asked = keysUsable().then((found) => (usable = found));
  if (!(await answersWithin(CHECK_MS, asked))) return { database: 'not answering', personalDataKeys: 'unknown' };
  return {
    database: 'ok',
    personalDataKeys: usable ? 'ok' : 'PERSONAL_DATA_KEYS lacks a key that is in use',
  };
}

async function answerTo(path: string, { relay, metrics }: Served, found: () => Promise<Found>): Promise<SideAnswer> {
  const role = relay.failure ? 'stopped' : relay.active ? 'active' : 'standby';
  if (path === '/metrics') return answerMetrics(metrics, path);
  if (path === '/healthz') return json(200, { status: 'ok', role });
  if (path !== '/readyz') return json(404, { status: 'not-found' });
  const dependencies = await found();
  const ready = !relay.failure && Object.values(dependencies).every((state) => state === 'ok');
  return json(ready ? 200 : 503, { status: ready ? 'ok' : 'not-ready', role, dependencies });
}

function json(status: number, body: object): SideAnswer {
  return { status, type: 'application/json', text: JSON.stringify(body) };
}
