import fc from 'fast-check';
import { ID, ThingsApp } from './http-app.fixture.js';

let things: ThingsApp;

beforeAll(async () => (things = await ThingsApp.start()));

afterAll(() => things.app.close());

describe('a query', () => {
  it('has a limit of 50 by default', async () => {
    expect((await things.call('GET', '/v1/things')).body).toEqual({ limit: 50 });
    expect((await things.call('GET', '/v1/things?limit=200&q=%20a%20&cursor=abc')).body).toEqual({
      limit: 200,
      q: 'a',
      cursor: 'abc',
    });
  });

  it.each([
    ['limit', 'limit=0'],
    ['limit', 'limit=201'],
    ['limit', 'limit=-1'],
    ['limit', 'limit=x'],
    ['limit', 'limit='],
    ['limit', 'limit=1e2'],
    ['limit', 'limit=1.5'],
    ['limit', 'limit'],
    ['limit', 'limit=1&limit=2'],
    ['q', 'q=a&q=b'],
    ['q', 'q=aaaaaaaaaaa'],
    ['unknown', 'unknown=1'],
    ['limit[]', 'limit[]=1'],
    ['__proto__', '__proto__=1'],
    ['constructor', 'constructor=1'],
    ['toString', 'toString=1'],
  ])('with a fault in %s is refused with 400 and names it: ?%s', async (field, query) => {
    const { status, body } = await things.call('GET', `/v1/things?${query}`);
    expect({ status, code: body?.['code'], field: body?.['field'] }).toEqual({
      status: 400,
      code: 'malformed-query',
      field,
    });
  });

  it.each(['q=%', 'q=%zz', 'q=%ff', 'q=%ed%a0%80', 'q=%00'])(
    'that is not text is refused with 400: ?%s',
    async (query) => {
      expect(await things.call('GET', `/v1/things?${query}`)).toMatchObject({
        status: 400,
        body: { code: 'malformed-query' },
      });
    },
  );

  it('is refused where none is read', async () => {
    expect(await things.call('GET', `/v1/things/${ID}?limit=1`)).toMatchObject({
      status: 400,
      body: { field: 'limit' },
    });
  });

  it('is never answered with a 5xx', async () => {
    await fc.assert(
      fc.asyncProperty(fc.webQueryParameters(), async (query) => {
        expect([200, 400]).toContain((await things.call('GET', `/v1/things?${query}`)).status);
      }),
    );
  });
});

describe('a path', () => {
  it('takes an id in either case', async () => {
    expect((await things.call('GET', `/v1/things/${ID.toLowerCase()}`)).body).toMatchObject({ thingId: ID });
  });

  it.each(['not-a-ulid', ID.slice(1), `${ID}0`, '%00', '%F0%9F%91%8D', 'x'.repeat(5000), `${ID}%20`, '%2F', '..;'])(
    'with a malformed id is refused with 400 and names it: %.40s',
    async (id) => {
      expect(await things.call('GET', `/v1/things/${id}`)).toMatchObject({
        status: 400,
        body: { code: 'malformed-id', field: 'thingId' },
      });
    },
  );

  it.each(['/v1/things/%', '/v1/things/%zz', '/%c0%af'])(
    'with bad percent-encoding is refused with 400: %s',
    async (path) => {
      const { status, body, headers } = await things.call('GET', path);
      expect(status).toBe(400);
      expect(body).toMatchObject({ code: 'malformed-call' });
      expect(headers['x-correlation-id']).toBeDefined();
    },
  );

  it.each([
    '/',
    '/v1',
    '/v1/thing',
    '/v1/things/',
    `/v1/things/${ID}/`,
    '/V1/things',
    '//v1/things',
    `/${'x'.repeat(900)}`,
  ])('that is unknown is answered with 404: %.30s', async (path) => {
    const { status, body, headers } = await things.call('GET', path);
    expect(status).toBe(404);
    expect(body).toMatchObject({ code: 'not-found' });
    expect(headers['location']).toBeUndefined();
  });

  it('that is unknown is answered like something hidden, before its body is read', async () => {
    const hidden = await things.call('DELETE', '/v1/things/01JQ0000000000000000000AB0');
    const unknown = await things.call('POST', '/v1/nothing', '{ no JSON');
    expect(hidden.status).toBe(404);
    expect(unknown.text).toBe(hidden.text);
    expect(unknown.headers['content-type']).toBe(hidden.headers['content-type']);
  });

  it.each([
    ['PUT', '/v1/things', 'GET, HEAD, POST'],
    ['DELETE', '/v1/things', 'GET, HEAD, POST'],
    ['OPTIONS', '/v1/things', 'GET, HEAD, POST'],
    ['POST', `/v1/things/${ID}`, 'DELETE, GET, HEAD, PATCH'],
    ['POST', '/v1/things/whatever', 'DELETE, GET, HEAD, PATCH'],
    ['GET', `/v1/things/${ID}/after-body`, 'POST'],
    ['HEAD', `/v1/things/${ID}/after-body`, 'POST'],
  ] as const)('that is known with other verbs is answered with 405: %s %s', async (method, path, allow) => {
    const { status, headers } = await things.call(method, path);
    expect(status).toBe(405);
    expect(headers['allow']).toBe(allow);
  });

  it('is answered with 405 even when the body is no JSON', async () => {
    expect(await things.call('PUT', '/v1/things', '{')).toMatchObject({
      status: 405,
      body: { code: 'method-not-allowed' },
    });
  });
});
