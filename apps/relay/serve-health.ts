import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Pool } from 'pg';
import { answersWithin, type Config } from '../../libs/platform/index.js';
import { takenPort } from '../../libs/wiring/index.js';
import type { Relay } from './relay.js';

const CHECK_MS = 2_000;

export interface ServedHealth {
  url: string;
  close(): Promise<void>;
}

/** `/healthz`: the process answers; `/readyz`: the database does, too, and whether this relay is the active one. */
export async function serveHealth(
  { host, relayPort }: Pick<Config, 'host' | 'relayPort'>,
  pool: Pick<Pool, 'query'>,
  relay: Pick<Relay, 'active' | 'failure'>,
): Promise<ServedHealth> {
  const server = createServer((request, response) => {
    void answerTo(request.url ?? '', pool, relay).then(({ status, body }) => {
      response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
      response.end(JSON.stringify(body));
    });
  });
  const listening = once(server, 'listening');
  server.listen(relayPort, host);
  await listening.catch(takenPort('RELAY_PORT', relayPort));
  const close = async (): Promise<void> => {
    const closed = once(server, 'close');
    server.close();
    await closed;
  };
  return { url: urlOf(server, host), close };
}

function urlOf(server: Server, host: string): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${(server.address() as AddressInfo).port}`;
}

async function answerTo(path: string, pool: Pick<Pool, 'query'>, relay: Pick<Relay, 'active' | 'failure'>) {
  const role = relay.active ? 'active' : 'standby';
  if (path === '/healthz') return { status: 200, body: { status: 'ok', role } };
  if (path !== '/readyz') return { status: 404, body: { status: 'not-found' } };
  const answers = !relay.failure && (await answersWithin(CHECK_MS, pool.query('select 1')));
  return { status: answers ? 200 : 503, body: { status: answers ? 'ok' : 'not-ready', role } };
}
