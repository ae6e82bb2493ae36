import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { ID, ThingsApp } from './http-app.fixture.js';
import type { HttpAppOptions } from './http-app.js';
import { addressGroup } from './rate-limits.js';

let things: ThingsApp | undefined;

const started = async (options: Partial<HttpAppOptions>): Promise<ThingsApp> => {
  things = await ThingsApp.start(options);
  return things;
};

afterEach(async () => {
  await things?.app.close();
  things = undefined;
});

const PREFLIGHT = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' };
const from = (origin: string) => ({ origin });

describe('a page of another origin', () => {
  it('may not call unless its origin is configured', async () => {
    const { headers } = await (await started({})).call('GET', '/v1/things', undefined, from('https://app.example'));
    expect(headers['access-control-allow-origin']).toBeUndefined();
    const preflight = await things!.call('OPTIONS', '/v1/things', undefined, {
      ...from('https://a.example'),
      ...PREFLIGHT,
    });
    expect(preflight).toMatchObject({
      status: 405,
      body: { code: 'method-not-allowed', allow: ['GET', 'HEAD', 'POST'] },
    });
  });

  it('that is configured may call, and read what a client needs', async () => {
    const { call } = await started({ corsOrigins: ['https://app.example', 'https://b.example'] }).then((app) => ({
      call: app.call.bind(app),
    }));
    const preflight = await call('OPTIONS', '/v1/things', undefined, { ...from('https://app.example'), ...PREFLIGHT });
    expect(preflight.status).toBe(204);
    expect(preflight.headers).toMatchObject({
      'access-control-allow-origin': 'https://app.example',
      'access-control-allow-methods': expect.stringContaining('DELETE'),
      'access-control-allow-headers': expect.stringContaining('Idempotency-Key'),
    });
    const { headers } = await call('GET', `/v1/things/${ID}`, undefined, from('https://b.example'));
    expect(headers['access-control-allow-origin']).toBe('https://b.example');
    expect(headers['access-control-expose-headers']).toContain('Consistency-Token');
    expect(headers['access-control-allow-credentials']).toBeUndefined();
    const refused = await call('GET', '/v1/things/7', undefined, from('https://b.example'));
    expect(refused).toMatchObject({ status: 400, headers: { 'access-control-allow-origin': 'https://b.example' } });
  });

  it('that is not among those configured may not call', async () => {
    const app = await started({ corsOrigins: ['https://app.example'] });
    for (const origin of [
      'https://app.example.evil',
      'http://app.example',
      'null',
      'https://evil/https://app.example',
    ]) {
      const preflight = await app.call('OPTIONS', '/v1/things', undefined, { origin, ...PREFLIGHT });
      expect(preflight.headers['access-control-allow-origin']).toBeUndefined();
    }
  });

  it('sends OPTIONS that is no preflight in vain, as ever', async () => {
    const app = await started({ corsOrigins: ['https://app.example'] });
    const allow = ['GET', 'HEAD', 'POST'];
    expect(await app.call('OPTIONS', '/v1/things')).toMatchObject({ status: 405, body: { allow } });
    expect(await app.call('OPTIONS', '/v1/nothing')).toMatchObject({ status: 404, body: { code: 'not-found' } });
    expect(await app.call('DELETE', '/v1/things')).toMatchObject({ status: 405, body: { allow } });
  });
});

describe('calls a minute', () => {
  const limited = { rateLimits: { perMinute: 3, failuresPerMinute: 2 }, trustProxy: 'loopback' };
  const of = (address: string) => ({ 'x-real-ip': address });

  it('MG-013 of an anonymous caller are limited by address, whatever is called', async () => {
    const app = await started(limited);
    for (const path of ['/v1/things', '/v1/nothing', `/v1/things/${ID}`]) {
      expect((await app.call('GET', path, undefined, of('192.0.2.1'))).status).not.toBe(429);
    }
    const refused = await app.call('GET', '/v1/things', undefined, of('192.0.2.1'));
    expect(refused).toMatchObject({
      status: 429,
      body: { code: 'too-many-requests', next: expect.stringContaining('Retry-After') },
    });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(60);
    expect(refused.headers['content-security-policy']).toBeDefined();
    expect((await app.call('GET', '/v1/things', undefined, of('192.0.2.2'))).status).toBe(200);
  });

  it('that fail to authenticate are limited by address, and then refused before they are looked at', async () => {
    const app = await started(limited);
    const path = '/v1/things/01JQ0000000000000000000AB3';
    const call = (address: string, url = path) =>
      app.call(url.endsWith('3') ? 'DELETE' : 'GET', url, undefined, { ...of(address), authorization: 'Bearer x' });
    expect((await call('192.0.2.1')).status).toBe(401);
    expect((await call('192.0.2.1')).status).toBe(401);
    expect(await call('192.0.2.1')).toMatchObject({ status: 429, body: { code: 'too-many-requests' } });
    expect((await call('192.0.2.1', `/v1/things/${ID}`)).status).toBe(429);
    expect((await call('192.0.2.2')).status).toBe(401);
    expect((await call('192.0.2.2', path.replace('v', '%76'))).status).toBe(401);
    expect((await call('192.0.2.2')).status).toBe(429);
  });

  it('are not limited unless that is configured', async () => {
    const app = await started({});
    for (let i = 0; i < 50; i++) expect((await app.call('GET', '/v1/things')).status).toBe(200);
  });

  it('count an IPv6 network as one caller', () => {
    expect(addressGroup('2001:db8::1')).toBe(addressGroup('2001:db8:0:0:ffff::2'));
    expect(addressGroup('2001:db8::1')).not.toBe(addressGroup('2001:db8:0:1::1'));
    expect(addressGroup('::1')).toBe('0:0:0:0::/64');
    expect(addressGroup('192.0.2.1')).toBe('192.0.2.1');
  });
});

describe('a call that does not come to its end', () => {
  const timeouts = { headers: 100, request: 200, keepAlive: 60_000, checkEvery: 20, closing: 1_000 };

  /** Sends a little again and again until the connection is closed. */
  async function drip(first: string, more: string): Promise<string> {
    const { port } = (things!.app.getHttpServer() as { address(): AddressInfo }).address();
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(first);
    const dripping = setInterval(() => socket.writable && socket.write(more), 20);
    let answer = '';
    socket.on('data', (chunk) => (answer += String(chunk)));
    await new Promise((resolve) => socket.once('close', resolve));
    clearInterval(dripping);
    return answer;
  }

  it.each([
    ['in its headers', 'GET /v1/things HTTP/1.1\r\nHost: x\r\n', 'X-More: 1\r\n'],
    [
      'in its body',
      'POST /v1/things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n',
      ' ',
    ],
  ])('%s is given up with 408', async (_, first, more) => {
    await started({ timeouts });
    expect(await drip(first, more)).toMatch(/^HTTP\/1.1 408 [^]*call-timeout/);
  });
});
