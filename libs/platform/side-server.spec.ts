import { once } from 'node:events';
import { connect } from 'node:net';
import { serveBeside, type SideServer } from './side-server.js';

let server: SideServer;

beforeEach(async () => {
  server = await serveBeside({ host: '127.0.0.1', port: 0 }, async (path) => {
    if (path === '/broken') throw new Error('secret detail');
    return { status: 200, type: 'text/plain', text: path };
  });
});

describe('the server beside', () => {
  afterEach(() => server.close());

  it('answers GET and HEAD', async () => {
    expect(await (await fetch(`${server.url}/healthz?x=1`)).text()).toBe('/healthz');
    expect((await fetch(`${server.url}/healthz`, { method: 'HEAD' })).status).toBe(200);
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('MG-009 answers %s with 405', async (method) => {
    const { status, headers } = await fetch(`${server.url}/healthz`, { method });
    expect([status, headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });

  it('goes on, and tells nothing, where an answer fails', async () => {
    const failed = await fetch(`${server.url}/broken`);
    expect([failed.status, await failed.text()]).toEqual([500, 'failed']);
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  });
});

test('the server beside closes although somebody is connected and asks nothing', async () => {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  const closed = once(socket, 'close');
  await once(socket, 'connect');
  await server.close();
  await closed;
});
