import type { Pool } from 'pg';
import {
  answerMetrics,
  answersWithin,
  atMostEvery,
  type Config,
  type Metrics,
  serveBeside,
  type SideAnswer,
  type SideServer,
} from '../../libs/platform/index.js';
import { takenPort } from '../../libs/wiring/index.js';
import type { Relay } from './relay.js';

const CHECK_MS = 2_000;
/** However many probe. */
const CHECKED_EVERY_MS = 1_000;

export interface Served {
  pool: Pick<Pool, 'query'>;
  relay: Pick<Relay, 'active' | 'failure'>;
  metrics: Metrics;
}

/**
 * `/healthz`: the process answers; `/readyz`: the database does, too, and whether this relay is the active one;
 * `/metrics`.
 */
export function serveHealth(
  { host, relayPort }: Pick<Config, 'host' | 'relayPort'>,
  served: Served,
): Promise<SideServer> {
  const answers = atMostEvery(CHECKED_EVERY_MS, () => answersWithin(CHECK_MS, served.pool.query('select 1')));
  return serveBeside({ host, port: relayPort }, (path) => answerTo(path, served, answers)).catch(
    takenPort('RELAY_PORT', relayPort),
  );
}

async function answerTo(
  path: string,
  { relay, metrics }: Served,
  databaseAnswers: () => Promise<boolean>,
): Promise<SideAnswer> {
  const role = relay.active ? 'active' : 'standby';
  if (path === '/metrics') return answerMetrics(metrics, path);
  if (path === '/healthz') return json(200, { status: 'ok', role });
  if (path !== '/readyz') return json(404, { status: 'not-found' });
  const answers = (await databaseAnswers()) && !relay.failure;
  const dependencies = { database: answers ? 'ok' : 'not answering' };
  return json(answers ? 200 : 503, { status: answers ? 'ok' : 'not-ready', role, dependencies });
}

function json(status: number, body: object): SideAnswer {
  return { status, type: 'application/json', text: JSON.stringify(body) };
}
