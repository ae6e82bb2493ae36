import { TENANT, ADA } from '../verification/world.fixture.js';
import { HttpWorld } from '../verification/http-world.fixture.js';
import { ConsistencyController } from './index.js';

let http: HttpWorld;
beforeAll(async () => {
  http = await HttpWorld.start(ConsistencyController);
});
afterAll(() => http?.stop());

const exchange = (body: object, headers: Record<string, string> = {}) =>
  http.post(`user:${ADA}`, '/v1/consistency', body, headers);
const member = (relation: string) => ({
  sources: [{ want: { resource: `tenant:${TENANT}`, relation, subject: `user:${ADA}` }, source: 'x' }],
});

describe('a consistency token', () => {
  it('is exchanged for a ZedToken that shows its effect, as soon as it does', async () => {
    const token = await http.token(await http.world.sample(member('member')), 'c');
    const asked = [exchange({ token }), exchange({}, { 'consistency-token': token })];
    await http.world.relay();
    for (const { status, body } of await Promise.all(asked)) {
      expect({ status, body }).toEqual({ status: 200, body: { zedToken: expect.any(String) } });
      const subject = `user:${ADA}`;
      const check = { resource: `tenant:${TENANT}`, permission: 'view', subject };
      expect(await http.world.spicedb.check(check, { atLeast: body.zedToken! })).toBe(true);
    }
  });

  it('whose effect SpiceDB refused is answered so', async () => {
    const position = await http.world.sample(member('owner'));
    await http.relay();
    const [{ correlation_id: correlationId } = {}] = (await http.world.pool.query('select * from parked')).rows;
    const { status, body } = await exchange({ token: await http.token(position, correlationId) });
    expect({ status, code: body.code }).toEqual({ status: 409, code: 'effect-parked' });
  });

  it.each([
    [{ token: 'not-a-token' }, 400, 'malformed-token'],
    [{ token: 7 }, 422, 'invalid'],
    [{}, 422, 'invalid'],
  ])('must be one: %j', async (given, status, code) => {
    const answer = await exchange(given);
    expect(answer).toMatchObject({ status, body: { code } });
  });
});
