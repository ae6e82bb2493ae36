import { Agent, request } from 'node:http';
import type { Socket } from 'node:net';
import { apiClient } from '../../libs/testing/api-client.js';
import { until } from '../../libs/testing/index.js';
import { RoundRobin } from './round-robin.js';
import type { ServerProcess } from './server-process.js';
import { ADMIN_TOKEN, Servers } from './servers.js';

let servers: Servers;
beforeAll(async () => {
  servers = await Servers.start();
  await servers.migrate();
});
afterEach(() => servers.killAll());
afterAll(() => servers?.stop());

/** As long as it takes a load balancer to notice. */
const DELAYED = { SHUTDOWN_DELAY_MS: '5000' };

async function isReady(api: ServerProcess): Promise<boolean> {
  return (await fetch(`${await api.listening()}/readyz`)).ok;
}

it('restarts one API after the other under continuous calls, and none of them fails', async () => {
  servers.relay();
  const apis = [servers.api(undefined, DELAYED), servers.api(undefined, DELAYED)];
  const balancer = new RoundRobin(await Promise.all(apis.map((api) => api.listening())));
  await until(() => isReady(apis[0]!));
  const calls = balancer.callContinuously(ADMIN_TOKEN, 3);
  for (const [index, old] of apis.entries()) {
    await balancer.answered(10);
    expect(await old.kill('SIGTERM')).toMatchObject({ code: 0, errors: '' });
    await balancer.answered(10);
    const fresh = servers.api(undefined, DELAYED);
    balancer.replace(index, await fresh.listening());
    await until(() => balancer.served(index));
  }
  await balancer.answered(10);
  balancer.stop();
  await calls;
  expect(balancer.failures).toEqual([]);
}, 300_000);

it('answers what is in flight when it is told to stop, and then ends', async () => {
  const [api, relay] = [servers.api(), servers.relay()];
  const admin = apiClient(await api.listening(), ADMIN_TOKEN);
  await until(async () => (await admin.get('/v1/me')).status === 200);
  // Until another relay follows the log, the call waits for its effect.
  await relay.kill('SIGTERM');
  await servers.withRuntime(async ({ log }) => {
    const before = await log.head();
    const call = admin.post('/v1/tenants', { name: 'In flight' });
    const answered = call.catch((error: Error) => error);
    await until(async () => (await log.head()) > before);
    const exited = api.kill('SIGTERM');
    await until(() => api.logged.some(({ msg }) => msg === 'stops'));
    servers.relay();
    expect(await answered).toMatchObject({ status: 201, body: { name: 'In flight' } });
    expect((await call).headers.get('connection')).toBe('close');
    expect(await exited).toMatchObject({ code: 0, errors: '' });
  });
}, 120_000);

it('says that it is not ready first, serves meanwhile, and ends each connection with its call', async () => {
  const api = servers.api(undefined, DELAYED);
  const url = await api.listening();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const first = await get(`${url}/healthz`, agent);
  expect(first).toMatchObject({ status: 200, connection: 'keep-alive' });
  const idle = new Agent({ keepAlive: true });
  const { socket: idleSocket } = await get(`${url}/healthz`, idle);
  const closed = ended(idleSocket);

  const exited = api.kill('SIGTERM');
  await until(() => api.logged.some(({ msg }) => msg === 'stops'));
  const second = await get(`${url}/healthz`, agent);
  expect(second.socket).toBe(first.socket);
  expect(second).toMatchObject({ status: 200, connection: 'close' });
  expect(await get(`${url}/readyz`, agent)).toMatchObject({ status: 503, connection: 'close' });
  expect(await closed).toEqual({ error: undefined });
  expect(await exited).toMatchObject({ code: 0, errors: '' });
}, 120_000);

function get(url: string, agent: Agent): Promise<{ status: number; connection: string; socket: Socket }> {
  return new Promise((resolve, reject) => {
    const call = request(url, { agent }, (answer) => {
      const { statusCode: status = 0, headers, socket } = answer;
      answer.resume();
      answer.once('end', () => setImmediate(() => resolve({ status, connection: headers.connection ?? '', socket })));
    });
    call.once('error', reject);
    call.end();
  });
}

function ended(socket: Socket): Promise<{ error: Error | undefined }> {
  return new Promise((resolve) => {
    let error: Error | undefined;
    socket.once('error', (failure) => (error = failure));
    socket.once('close', () => resolve({ error }));
  });
}
