import fc from 'fast-check';
import { ID, JSON_TYPE, ThingsApp } from './http-app.fixture.js';

let things: ThingsApp;

beforeAll(async () => (things = await ThingsApp.start()));

afterAll(() => things.app.close());

describe('a body', () => {
  it('that is right reaches the handler normalised', async () => {
    const { status, body } = await things.create({
      name: ' Pay\u0007ments ',
      ids: [ID.toLowerCase()],
      until: '2026-01-01T02:00:00+02:00',
      parts: [{ name: 'Cafe\u0301' }],
    });
    expect(status).toBe(201);
    expect(body).toEqual({
      name: 'Payments',
      ids: [ID],
      until: '2026-01-01T00:00:00.000Z',
      parts: [{ name: 'Café' }],
    });
  });

  it.each(['{', '{"name":}', 'name', "{'name':'a'}", '{"name":"a"} x', '\u0000'])(
    'that is not JSON is refused with 400: %j',
    async (payload) => {
      const { status, body, headers } = await things.call('POST', '/v1/things', payload);
      expect(status).toBe(400);
      expect(body).toMatchObject({
        code: 'malformed-json',
        status: 400,
        type: expect.stringContaining('malformed-json'),
      });
      expect(headers['content-type']).toMatch(/^application\/problem\+json/);
    },
  );

  it('that is not UTF-8 is refused with 400', async () => {
    const payload = Buffer.concat([Buffer.from('{"name":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]);
    expect(await things.call('POST', '/v1/things', payload)).toMatchObject({
      status: 400,
      body: { code: 'malformed-json' },
    });
  });

  it.each(['null', '[]', '"text"', '1', 'true', '[{"name":"a"}]'])(
    'that is JSON but not an object is refused with 422: %s',
    async (payload) => {
      expect(await things.call('POST', '/v1/things', payload)).toMatchObject({
        status: 422,
        body: { code: 'invalid' },
      });
    },
  );

  it.each([
    ['name', {}],
    ['name', { name: null }],
    ['name', { name: 5 }],
    ['name', { name: [] }],
    ['name', { name: {} }],
    ['name', { name: true }],
    ['name', { name: '' }],
    ['name', { name: ' \u0007\u200b ' }],
    ['name', { name: 'x'.repeat(11) }],
    ['name.toString', { name: { toString: 1 } }],
    ['note', { name: 'a', note: 'x'.repeat(21) }],
    ['note', { name: 'a', note: null }],
    ['urgent', { name: 'a', urgent: 'true' }],
    ['until', { name: 'a', until: '2026-01-01T00:00:00' }],
    ['until', { name: 'a', until: '2026-02-30T00:00:00Z' }],
    ['until', { name: 'a', until: 1 }],
    ['ids', { name: 'a', ids: ['x'] }],
    ['ids', { name: 'a', ids: ID }],
    ['part', { name: 'a', part: [] }],
    ['part', { name: 'a', part: null }],
    ['part', { name: 'a', part: 'b' }],
    ['part.name', { name: 'a', part: {} }],
    ['part.extra', { name: 'a', part: { name: 'b', extra: 1 } }],
    ['parts', { name: 'a', parts: {} }],
    ['parts', { name: 'a', parts: [null] }],
    ['parts', { name: 'a', parts: [[]] }],
    ['parts', { name: 'a', parts: [{ name: 'b' }, { name: 'b' }, { name: 'b' }] }],
    ['parts.1.name', { name: 'a', parts: [{ name: 'b' }, { name: 5 }] }],
    ['surprise', { name: 'a', surprise: 1 }],
  ])('with a fault in %s is refused with 422 and names it: %j', async (field, payload) => {
    const { status, body } = await things.create(payload);
    expect({ status, code: body?.['code'], field: body?.['field'] }).toEqual({ status: 422, code: 'invalid', field });
    expect(body?.['detail']).toContain(field.split('.').at(-1));
  });

  it('with several faults has them all named', async () => {
    const { body } = await things.create({ name: 5, urgent: 1, surprise: 1 });
    const fields = (body?.['errors'] as { field: string }[]).map(({ field }) => field);
    expect(fields.sort()).toEqual(['name', 'surprise', 'urgent']);
  });

  it.each([
    '{"name":"a","__proto__":{"urgent":true}}',
    '{"name":"a","part":{"name":"b","__proto__":{}}}',
    '{"name":"a","constructor":{"prototype":{"urgent":true}}}',
    '{"name":"a","constructor":5}',
    '{"name":"a","hasOwnProperty":1}',
    '{"name":"a","note":"\\ud800"}',
    '{"name":"a","\\ud800":1}',
    '{"name":"a","note":1e999}',
  ])('with what would be taken for something else is refused with 422: %s', async (payload) => {
    expect(await things.call('POST', '/v1/things', payload)).toMatchObject({ status: 422, body: { code: 'invalid' } });
    expect(({} as { urgent?: boolean }).urgent).toBeUndefined();
  });

  it('nested too deep is refused with 422', async () => {
    const deep = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
    const { body } = await things.call('POST', '/v1/things', deep(20));
    expect(body).toMatchObject({ code: 'invalid', field: 'a', detail: 'a is not known here' });
    expect(await things.call('POST', '/v1/things', deep(21))).toMatchObject({
      status: 422,
      body: { code: 'invalid', detail: expect.stringContaining('deeper than 20') },
    });
    expect((await things.call('POST', '/v1/things', '['.repeat(60_000))).status).toBe(400);
  });

  it('of more than 64 kB is refused with 413', async () => {
    expect(await things.create({ name: 'x'.repeat(65 * 1024) })).toMatchObject({
      status: 413,
      body: { code: 'payload-too-large' },
    });
  });

  it.each([
    ['text/plain', {}],
    ['application/x-www-form-urlencoded', {}],
    ['multipart/form-data; boundary=x', {}],
    ['application/xml', {}],
    ['nonsense', {}],
    ['application/json; charset=latin1', {}],
    ['application/json', { 'content-encoding': 'gzip' }],
  ])('of type %s %j is refused with 415', async (type, more) => {
    const answer = await things.call('POST', '/v1/things', '{"name":"a"}', { 'content-type': type, ...more });
    expect(answer).toMatchObject({ status: 415, body: { code: 'unsupported-media-type' } });
  });

  it('of no type is refused with 415', async () => {
    expect(await things.call('POST', '/v1/things', '{"name":"a"}', {})).toMatchObject({ status: 415 });
  });

  it('may name its charset', async () => {
    const type = { 'content-type': 'application/json; charset=UTF-8' };
    expect((await things.call('POST', '/v1/things', '{"name":"a"}', type)).status).toBe(201);
  });

  it('that is empty counts as an empty object', async () => {
    expect((await things.call('PATCH', `/v1/things/${ID}`, '', JSON_TYPE)).status).toBe(200);
    expect((await things.call('PATCH', `/v1/things/${ID}`)).status).toBe(200);
    expect(await things.call('POST', '/v1/things')).toMatchObject({ status: 422, body: { field: 'name' } });
  });

  it('may not hold anything where no field is known', async () => {
    expect(await things.call('PATCH', `/v1/things/${ID}`, '{"a":1}')).toMatchObject({
      status: 422,
      body: { field: 'a' },
    });
  });

  it('is never answered with a 5xx, whatever JSON it is', async () => {
    const names = fc.constantFrom(
      'name',
      'note',
      'urgent',
      'until',
      'ids',
      'part',
      'parts',
      'then',
      'toJSON',
      'valueOf',
    );
    const values = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.array(fc.dictionary(names, fc.jsonValue())), fc.string());
    const bodies = fc.oneof(
      fc.json(),
      fc.dictionary(names, values).map((value) => JSON.stringify(value)),
      fc.string(),
    );
    await fc.assert(
      fc.asyncProperty(bodies, async (payload) => {
        const { status } = await things.call('POST', '/v1/things', payload);
        expect([201, 400, 422]).toContain(status);
      }),
      { numRuns: 500 },
    );
  });
});
