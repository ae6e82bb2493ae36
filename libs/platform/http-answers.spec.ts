import { once } from 'node:events';
import type { Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { until } from '../testing/until.js';
import { createHttpApp } from './http-app.js';
import { ID, JSON_TYPE, ThingsApp, ThingsModule } from './http-app.fixture.js';
import { clientAddressOf } from './http-hooks.js';
import { createLogger } from './logging.js';

let things: ThingsApp;

beforeAll(async () => (things = await ThingsApp.start()));

afterAll(() => things.app.close());

describe('an error', () => {
  it('MG-010 that nobody foresaw is answered with 500, without its message or stack, and things.logged with the correlation id', async () => {
    things.logged.length = 0;
    const { status, body, text } = await things.call('GET', `/v1/things/throws/${ID}`, undefined, {
      'x-correlation-id': 'c-1',
    });
    expect(status).toBe(500);
    expect(body).toMatchObject({ code: 'internal', correlationId: 'c-1' });
    expect(text).not.toMatch(/secret detail|TypeError|\.ts|stack/);
    const line = things.logged
      .map((entry) => JSON.parse(entry) as { [field: string]: unknown })
      .find(({ level }) => level === 'error');
    expect(line).toMatchObject({ correlationId: 'c-1', err: { message: expect.stringContaining('secret detail') } });
  });

  it('with a code that was never declared is ours', async () => {
    expect(await things.call('DELETE', '/v1/things/01JQ0000000000000000000AB1')).toMatchObject({
      status: 500,
      body: { code: 'internal' },
    });
  });

  it('in writing the answer is ours too', async () => {
    const { status, body } = await things.call('GET', `/v1/things/unwritable/${ID}`);
    expect(status).toBe(500);
    expect(body).toMatchObject({ code: 'internal' });
  });

  it('that passes tells when to come back', async () => {
    const notYet = await things.call('DELETE', '/v1/things/01JQ0000000000000000000AB2');
    expect(notYet).toMatchObject({ status: 503, body: { code: 'not-yet' }, headers: { 'retry-after': '1' } });
  });

  it('of who the caller is names the scheme', async () => {
    const answer = await things.call('DELETE', '/v1/things/01JQ0000000000000000000AB3');
    expect(answer).toMatchObject({ status: 401, headers: { 'www-authenticate': 'Bearer' } });
  });

  it.each([
    ['of a lost connection', '01JQ0000000000000000000AB4'],
    ['of another part', '01JQ0000000000000000000AB6'],
  ])('%s is a dependency that is down', async (_, id) => {
    const answer = await things.call('DELETE', `/v1/things/${id}`);
    expect(answer).toMatchObject({
      status: 503,
      body: { code: 'dependency-unavailable' },
      headers: { 'retry-after': '2' },
    });
  });

  it('of text that the database can’t store is the caller’s', async () => {
    expect((await things.call('DELETE', '/v1/things/01JQ0000000000000000000AB5')).status).toBe(422);
  });
});

describe('headers', () => {
  it('carry the caller’s correlation id through, also past the body', async () => {
    const id = { 'x-correlation-id': 'abc-123' };
    const got = await things.call('GET', `/v1/things/${ID}`, undefined, id);
    expect(got.headers['x-correlation-id']).toBe('abc-123');
    expect(got.body).toMatchObject({ correlationId: 'abc-123' });
    const posted = await things.call('POST', `/v1/things/${ID}/after-body`, '{}', { ...JSON_TYPE, ...id });
    expect(posted.body).toEqual({ correlationId: 'abc-123' });
  });

  it.each(['', ' ', 'a b', 'ä', 'x'.repeat(129), 'a\tb'])('get a new correlation id for %j', async (given) => {
    const { headers } = await things.call('GET', '/v1/things', undefined, { 'x-correlation-id': given });
    expect(headers['x-correlation-id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('forbid storing, sniffing and embedding what is answered, errors included', async () => {
    for (const path of ['/v1/things', '/%761/things', '/v1/nothing', '/v1/things/%']) {
      expect((await things.call('GET', path)).headers).toMatchObject({
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'content-security-policy': expect.stringContaining("default-src 'none'"),
      });
    }
  });

  it('may be weird', async () => {
    const weird = {
      accept: 'x',
      'accept-encoding': '\u00ff',
      'if-match': '"',
      prefer: ';;',
      cookie: '=',
      range: 'bytes=9-1',
    };
    expect((await things.call('GET', '/v1/things', undefined, weird)).status).toBe(200);
  });

  it('that break HTTP are answered with a problem on the connection', async () => {
    expect(await things.raw('GET /v1/things HTTP/1.1', 'Host: x', 'Content-Length: x')).toMatch(
      /^HTTP\/1.1 400 [^]*malformed-call/,
    );
    expect(await things.raw('NONSENSE')).toMatch(/^HTTP\/1.1 400 [^]*application\/problem\+json/);
    const large = await things.raw('GET /v1/things HTTP/1.1', 'Host: x', `X-Large: ${'x'.repeat(20_000)}`);
    expect(large).toMatch(/^HTTP\/1.1 431 [^]*headers-too-large/);
  });

  it('may name the host before the path, and expect anything: the answer is the same', async () => {
    const answers = await Promise.all([
      things.raw('DELETE /v1/things HTTP/1.1', 'Host: x', 'Connection: close'),
      things.raw('DELETE http://x/v1/things HTTP/1.1', 'Host: x', 'Connection: close'),
      things.raw('DELETE /v1/things HTTP/1.1', 'Host: x', 'Connection: close', 'Expect: miracles'),
    ]);
    for (const answer of answers) {
      expect(answer).toMatch(/^HTTP\/1.1 405 [^]*\r\ncache-control: no-store\r\n[^]*method-not-allowed/);
    }
  });

  it('with a method that HTTP knows and nobody offers get 405', async () => {
    expect(await things.raw('PROPFIND /v1/things HTTP/1.1', 'Host: x', 'Connection: close')).toMatch(/^HTTP\/1.1 405 /);
  });

  it('MG-012 tell the address of the caller behind a trusted proxy', async () => {
    const seen: (string | null)[] = [];
    const spied = await createHttpApp(ThingsModule, { logger: createLogger({ level: 'silent', name: 'spec' }) });
    spied
      .getHttpAdapter()
      .getInstance()
      .addHook('preHandler', (request: Parameters<typeof clientAddressOf>[0], _: unknown, done: () => void) => {
        seen.push(clientAddressOf(request));
        done();
      });
    await spied.init();
    const headers = { 'x-real-ip': '192.0.2.1' };
    await spied.inject({ url: '/v1/things', headers, remoteAddress: '127.0.0.1' });
    await spied.inject({ url: '/v1/things', headers, remoteAddress: '203.0.113.9' });
    await spied.close();
    expect(seen).toEqual(['192.0.2.1', '203.0.113.9']);
  });
});

describe('closing', () => {
  it('refuses what arrives meanwhile, so that another instance takes it', async () => {
    const closing = await createHttpApp(ThingsModule, { logger: createLogger({ level: 'silent', name: 'spec' }) });
    await closing.init();
    closing.getHttpAdapter().beforeClose?.();
    const answer = await closing.inject({ url: '/v1/things' });
    await closing.close();
    expect(answer.statusCode).toBe(503);
    expect(answer.headers['connection']).toBe('close');
    expect(answer.json()).toMatchObject({ code: 'dependency-unavailable' });
  });

  it('lets a call that is under way finish', async () => {
    const ours = await ThingsApp.start();
    const { port } = (ours.app.getHttpServer() as { address(): AddressInfo }).address();
    const answer = fetch(`http://127.0.0.1:${port}/v1/things/waits/${ID}`);
    await ours.waiting.reached;
    const closed = ours.app.close();
    ours.waiting.release();
    expect((await answer).status).toBe(200);
    await closed;
    await expect(fetch(`http://127.0.0.1:${port}/v1/things`)).rejects.toThrow();
  });

  it.each([
    ['nothing ever came', '', 3_600_000],
    ['half a call came', 'GET /v1/things HTTP/1.1\r\nHost: x\r\n', 100],
  ])('does not wait for a connection over which %s', async (_, sent, closing) => {
    const timeouts = { headers: 15_000, request: 30_000, keepAlive: 3_600_000, checkEvery: 5_000, closing };
    const ours = await ThingsApp.start({ timeouts });
    const server = ours.app.getHttpServer() as Server;
    const accepted = once(server, 'connection');
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const closed = once(socket, 'close');
    const [peer] = (await accepted) as [Socket];
    if (sent !== '') socket.write(sent);
    await until(() => peer.bytesRead === sent.length);
    await ours.app.close();
    await closed;
  });
});
