import type { InjectOptions } from 'fastify';
import { createTestDatabase, PATIENT, type TestDatabase, until } from '../testing/index.js';
import { mintToken, pepperOf, systemIds } from '../platform/index.js';
import { IssueToken } from '../tokens/index.js';
import { initialiseInstallation } from './index.js';
import { ADMIN, Instance, PEPPER } from './instance.fixture.js';

const UNKNOWN = '01JQ0000000000000000000ABC';
const DAY_MS = 86_400_000;

let database: TestDatabase;
let instance: Instance;
let adminId: string;

beforeAll(async () => {
  database = await createTestDatabase();
  instance = await Instance.start(database.url);
  instance.relay();
  const config = { defaultTenantName: 'default', defaultWorkspaceName: undefined };
  adminId = (await initialiseInstallation(instance.bus, config, instance.clock, systemIds)).adminUserId;
  await until(async () => (await call(ADMIN, 'GET', '/me')).status === 200);
});

afterAll(async () => {
  await instance.close();
  await database.drop();
});

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';
type Headers = Record<string, string>;

/** Each new thing is a moment younger than the one before, so that lists have an order. */
async function call(token: string | undefined, method: Method, url: string, body?: object, more: Headers = {}) {
  if (method === 'POST') instance.clock.advance(1);
  const headers = { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...PATIENT, ...more };
  const options: InjectOptions = { method, url: `/v1${url}`, headers, ...(body && { payload: body }) };
  const answer = await instance.app.inject(options);
  const json = answer.body === '' ? {} : (JSON.parse(answer.body) as Record<string, unknown>);
  return { status: answer.statusCode, headers: answer.headers, body: json, text: answer.body };
}

interface Person {
  id: string;
  token: string;
}

async function person(profile: object = {}): Promise<Person> {
  const user = await call(ADMIN, 'POST', '/users', profile);
  const issued = await call(ADMIN, 'POST', `/users/${String(user.body.id)}/tokens`, { name: 'first' });
  return { id: String(user.body.id), token: String(issued.body.secret) };
}

const items = (body: Record<string, unknown>) => body.items as Record<string, unknown>[];

describe('who calls', () => {
  it.each([
    'Bearer',
    'Bearer ',
    'Bearer User',
    'Bearer User ',
    'User tok',
    'Bearer Robot x',
    'Basic eDp5',
    'Bearer x y z',
  ])('is not told by "%s"', async (authorization) => {
    const answer = await call(undefined, 'GET', '/me', undefined, { authorization });
    expect(answer).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer( error="invalid_token", error_description="[^"]+")?$/);
  });

  it('is not told by nothing', async () => {
    expect(await call(undefined, 'GET', '/me')).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
  });

  it('is the built-in administrator with the configured token', async () => {
    expect(await call(ADMIN, 'GET', '/me')).toMatchObject({
      status: 200,
      body: {
        id: adminId,
        type: 'user',
        displayName: 'Administrator',
        email: null,
        active: true,
        systemAdmin: true,
        authentication: 'admin-token',
      },
    });
    expect(await call(`User ${ADMIN}`, 'GET', '/me')).toMatchObject({ status: 200 });
    expect(await call(`ServiceAccount ${ADMIN}`, 'GET', '/me')).toMatchObject({ status: 401 });
    expect(await call(`${ADMIN}x`, 'GET', '/me')).toMatchObject({ status: 401 });
  });

  it('is a user with a token of theirs', async () => {
    const { id, token } = await person({ displayName: 'Ada', email: 'Ada@Example.ORG' });
    const me = { id, displayName: 'Ada', email: 'ada@example.org', systemAdmin: false, authentication: 'token' };
    expect(await call(token, 'GET', '/me')).toMatchObject({ status: 200, body: me });
    expect(await call(`User ${token}`, 'GET', '/me')).toMatchObject({ status: 200, body: me });
    expect(await call(`ServiceAccount ${token}`, 'GET', '/me')).toMatchObject({ status: 401 });
  });

  it('is not told by a token with a mistyped character, nor by one with another secret', async () => {
    const [ada, bob] = [await person(), await person()];
    const mistyped = ada.token.slice(0, -1) + (ada.token.endsWith('0') ? '1' : '0');
    expect(await call(mistyped, 'GET', '/me')).toMatchObject({ status: 401 });
    const [, , adasId] = ada.token.split('_');
    const forged = mintToken('pat', adasId!, systemIds, pepperOf(PEPPER)).token;
    expect(await call(forged, 'GET', '/me')).toMatchObject({ status: 401, body: { detail: 'the token is not valid' } });
    expect(await call(bob.token, 'GET', '/me')).toMatchObject({ status: 200, body: { id: bob.id } });
  });
});

describe('a token', () => {
  it('is told once, and not to a repeat of the call', async () => {
    const { token } = await person();
    const key = { 'idempotency-key': 'issue-1' };
    const first = await call(token, 'POST', '/me/tokens', { name: 'CI' }, key);
    expect(first).toMatchObject({ status: 201, body: { name: 'CI', revokedAt: null, revision: 1 } });
    const again = await call(token, 'POST', '/me/tokens', { name: 'CI' }, key);
    expect(again).toMatchObject({ status: 201, body: { ...first.body, secret: null, token: expect.any(String) } });
    const list = await call(token, 'GET', '/me/tokens');
    expect(items(list.body).map(({ name }) => name)).toEqual(['first', 'CI']);
    expect(list.text).not.toMatch(/hmac|secret|csn_/);
  });

  it('is told to one of two processes that get the same call at once, and it works', async () => {
    const { id, token } = await person();
    const other = await Instance.start(database.url);
    const at = instance.clock.now().toISOString();
    const actor = { type: 'user' as const, id };
    const trace = { authentication: 'token', correlationId: 'specification', causationId: null };
    for (let race = 0; race < 10; race++) {
      const context = { commandId: systemIds.uuid(), actor, ...trace, at };
      const input = { tokenId: systemIds.ulid(new Date(at)), userId: id, name: `race ${race}`, expiresInDays: null };
      const both = [instance, other].map(({ bus }) => bus.execute(new IssueToken(context, input)));
      const secrets = (await Promise.all(both)).map(({ resource: { secret } }) => secret);
      const told = secrets.filter((secret) => secret !== null);
      expect(told).toHaveLength(1);
      await until(async () => items((await call(token, 'GET', '/me/tokens')).body).length === race + 2);
      expect(await call(told[0]!, 'GET', '/me')).toMatchObject({ status: 200 });
    }
    await other.close();
  });

  it('works at once for who has heard of it', async () => {
    const { token } = await person();
    const { body } = await call(token, 'POST', '/me/tokens', { name: 'now' }, { prefer: 'wait=0' });
    const heard = { 'consistency-token': String(body.token) };
    expect(await call(String(body.secret), 'GET', '/me', undefined, heard)).toMatchObject({ status: 200 });
  });

  it('has an end after 30 days unless told', async () => {
    const { token } = await person();
    const daysOf = async (body: object) => {
      const { expiresAt } = (await call(token, 'POST', '/me/tokens', body)).body;
      return expiresAt && (Date.parse(String(expiresAt)) - instance.clock.now().getTime()) / DAY_MS;
    };
    expect(await daysOf({ name: 'a' })).toBe(30);
    expect(await daysOf({ name: 'b', expiresInDays: 3650 })).toBe(3650);
    expect(await daysOf({ name: 'c', expiresInDays: null })).toBeNull();
  });

  it.each([0, -1, 3651, 1.5, '60', true])('does not end in %j days', async (expiresInDays) => {
    const answer = await call(ADMIN, 'POST', '/me/tokens', { name: 'x', expiresInDays });
    expect(answer).toMatchObject({ status: 422, body: { field: 'expiresInDays' } });
  });

  it.each([{}, { name: '' }, { name: 5 }, { name: 'x'.repeat(256) }, { name: 'x', expiry: 1 }])(
    'is not issued for %j',
    async (body) => {
      expect(await call(ADMIN, 'POST', '/me/tokens', body)).toMatchObject({ status: 422, body: { code: 'invalid' } });
    },
  );

  it('works no more once it is revoked, and stays in the list', async () => {
    const { token } = await person();
    const { body } = await call(token, 'POST', '/me/tokens', { name: 'CI' });
    const second = String(body.secret);
    expect(await call(second, 'GET', '/me')).toMatchObject({ status: 200 });
    const path = `/me/tokens/${String(body.id)}`;
    expect(await call(token, 'DELETE', path)).toMatchObject({ status: 204, headers: { etag: '"2"' } });
    expect(await call(second, 'GET', '/me')).toMatchObject({ status: 401, body: { detail: 'the token was revoked' } });
    expect(await call(token, 'DELETE', path)).toMatchObject({ status: 409, body: { code: 'token-already-revoked' } });
    const listed = items((await call(token, 'GET', '/me/tokens')).body)[1];
    expect(listed).toMatchObject({ name: 'CI', revokedAt: expect.any(String), revision: 2 });
    expect(await call(token, 'DELETE', `/me/tokens/${UNKNOWN}`)).toMatchObject({ status: 404 });
    expect(await call(token, 'DELETE', '/me/tokens/nonsense')).toMatchObject({ status: 400 });
  });

  it('is nobody else’s to see or to revoke, but a system admin’s', async () => {
    const [ada, eve] = [await person(), await person()];
    const [mine] = items((await call(ada.token, 'GET', `/users/${ada.id}/tokens`)).body);
    const paths = [`/users/${ada.id}/tokens`, `/users/${UNKNOWN}/tokens`];
    for (const path of paths) {
      expect(await call(eve.token, 'GET', path)).toMatchObject({ status: 404, body: { code: 'not-found' } });
      expect(await call(eve.token, 'POST', path, { name: 'mine' })).toMatchObject({ status: 404 });
      expect(await call(eve.token, 'DELETE', `${path}/${String(mine!.id)}`)).toMatchObject({ status: 404 });
    }
    expect(await call(eve.token, 'DELETE', `/me/tokens/${String(mine!.id)}`)).toMatchObject({ status: 404 });
    expect(await call(ADMIN, 'GET', paths[1]!)).toMatchObject({ status: 404 });
    expect(await call(ADMIN, 'POST', paths[1]!, { name: 'x' })).toMatchObject({ status: 404 });
    expect(await call(ADMIN, 'DELETE', `${paths[0]!}/${String(mine!.id)}`)).toMatchObject({ status: 204 });
    expect(await call(ada.token, 'GET', '/me')).toMatchObject({ status: 401 });
  });

  it('works no more once it has expired', async () => {
    const { id } = await person();
    const { body } = await call(ADMIN, 'POST', `/users/${id}/tokens`, { name: 'short', expiresInDays: 1 });
    const now = instance.clock.now();
    instance.clock.advance(DAY_MS - 1);
    expect(await call(String(body.secret), 'GET', '/me')).toMatchObject({ status: 200 });
    instance.clock.advance(1);
    const answer = await call(String(body.secret), 'GET', '/me');
    expect(answer).toMatchObject({ status: 401, body: { detail: 'the token has expired' } });
    instance.clock.set(now);
  });
});

describe('users', () => {
  it('are registered, listed and deactivated by system admins alone', async () => {
    const { id, token } = await person();
    expect(await call(token, 'POST', '/users', {})).toMatchObject({ status: 403 });
    expect(await call(token, 'GET', '/users')).toMatchObject({ status: 403 });
    expect(await call(token, 'DELETE', `/users/${id}`)).toMatchObject({ status: 403 });
  });

  it('have an external identity that no other user gets, not even after them', async () => {
    const externalIdentity = { issuer: 'https://id.example.org', subject: 'grace' };
    const key = { 'idempotency-key': 'register-grace' };
    const first = await call(ADMIN, 'POST', '/users', { displayName: 'Grace', externalIdentity }, key);
    expect(first).toMatchObject({ status: 201, body: { externalIdentity, active: true, revision: 1 } });
    const path = `/users/${String(first.body.id)}`;
    expect(await call(ADMIN, 'PATCH', path, { displayName: 'G.' })).toMatchObject({ status: 200 });
    const again = await call(ADMIN, 'POST', '/users', { displayName: 'Grace', externalIdentity }, key);
    expect(again).toMatchObject({ status: 201, body: { id: first.body.id, displayName: 'Grace', revision: 1 } });
    const taken = { status: 409, body: { code: 'identity-taken', field: 'externalIdentity' } };
    expect(await call(ADMIN, 'POST', '/users', { externalIdentity })).toMatchObject(taken);
    expect(await call(ADMIN, 'DELETE', path)).toMatchObject({ status: 204 });
    expect(await call(ADMIN, 'POST', '/users', { externalIdentity })).toMatchObject(taken);
    const otherCase = { externalIdentity: { ...externalIdentity, subject: 'GRACE' } };
    expect(await call(ADMIN, 'POST', '/users', otherCase)).toMatchObject({ status: 201 });
  });

  it.each([
    [{ email: 'not-an-email' }, 'email'],
    [{ email: 5 }, 'email'],
    [{ displayName: ' ' }, 'displayName'],
    [{ displayName: 'x'.repeat(256) }, 'displayName'],
    [{ roles: ['admin'] }, 'roles'],
  ])('do not get a profile with %j', async (body, field) => {
    const { token } = await person();
    for (const path of ['/users', `/users/${adminId}`]) {
      const method = path === '/users' ? 'POST' : 'PATCH';
      expect(await call(ADMIN, method, path, body)).toMatchObject({ status: 422, body: { field } });
    }
    expect(await call(token, 'PATCH', '/me', { displayName: 'fine', ...body })).toMatchObject({ status: 422 });
  });

  it('change their own profile, and nobody else’s', async () => {
    const [ada, eve] = [await person({ displayName: 'Ada', email: 'ada@example.org' }), await person()];
    const changed = { id: ada.id, displayName: 'Ada L.', email: null, revision: 2 };
    expect(await call(ada.token, 'PATCH', '/me', { displayName: 'Ada L.', email: null })).toMatchObject({
      status: 200,
      body: changed,
    });
    expect(await call(ada.token, 'GET', `/users/${ada.id}`)).toMatchObject({ status: 200, body: changed });
    expect(await call(ada.token, 'PATCH', '/me', {})).toMatchObject({ status: 422 });
    const stale = await call(ada.token, 'PATCH', '/me', { displayName: 'A' }, { 'if-match': '"1"' });
    expect(stale).toMatchObject({ status: 412 });
    for (const id of [ada.id, UNKNOWN]) {
      expect(await call(eve.token, 'GET', `/users/${id}`)).toMatchObject({ status: 404, body: { code: 'not-found' } });
      expect(await call(eve.token, 'PATCH', `/users/${id}`, { displayName: 'E' })).toMatchObject({ status: 404 });
    }
    expect(await call(ADMIN, 'PATCH', `/users/${UNKNOWN}`, { displayName: 'E' })).toMatchObject({ status: 404 });
  });

  it('stay readable once they are deactivated, hold nothing and get nowhere', async () => {
    const { id, token } = await person({ displayName: 'Bob', email: 'bob@example.org' });
    expect(await call(ADMIN, 'DELETE', `/users/${id}`)).toMatchObject({ status: 204, headers: { etag: '"2"' } });
    expect(await call(ADMIN, 'DELETE', `/users/${id}`)).toMatchObject({ status: 204 });
    expect(await call(token, 'GET', '/me')).toMatchObject({ status: 401, body: { detail: 'the user is not active' } });
    const bob = { id, displayName: 'Bob', active: false };
    expect(await call(ADMIN, 'GET', `/users/${id}`)).toMatchObject({ status: 200, body: bob });
    expect(await call(ADMIN, 'PATCH', `/users/${id}`, { displayName: 'B' })).toMatchObject({ status: 409 });
    expect(await call(ADMIN, 'POST', `/users/${id}/tokens`, { name: 'x' })).toMatchObject({
      status: 409,
      body: { code: 'user-inactive' },
    });
    const inactive = await call(ADMIN, 'GET', '/users?active=false&email=BOB@example.org');
    expect(items(inactive.body)).toEqual([expect.objectContaining(bob)]);
    expect(items((await call(ADMIN, 'GET', '/users?active=true&email=bob@example.org')).body)).toEqual([]);
    const { rows } = await instance.pool.query(`select 1 from relationship_source where subject = $1`, [`user:${id}`]);
    expect(rows).toEqual([]);
  });

  it('keep their administrator', async () => {
    const answer = await call(ADMIN, 'DELETE', `/users/${adminId}`);
    expect(answer).toMatchObject({ status: 409, body: { code: 'built-in-user' } });
    expect(await call(ADMIN, 'DELETE', `/users/${UNKNOWN}`)).toMatchObject({ status: 404 });
  });

  it('are listed in pages that miss none', async () => {
    const { rows } = await instance.pool.query<{ id: string }>('select id from app_user order by id');
    const seen: unknown[] = [];
    for (let cursor: unknown = ''; cursor !== null;) {
      const page = await call(ADMIN, 'GET', `/users?limit=3${cursor ? `&cursor=${String(cursor)}` : ''}`);
      seen.push(...items(page.body).map(({ id }) => id));
      cursor = page.body.nextCursor;
    }
    expect(seen).toEqual(rows.map(({ id }) => id));
    for (const query of ['active=maybe', 'email=nonsense', 'limit=0', 'role=admin']) {
      expect(await call(ADMIN, 'GET', `/users?${query}`)).toMatchObject({ status: 400 });
    }
  });
});

describe('the trail', () => {
  it('shows names and addresses in the personal part alone, and no secret anywhere', async () => {
    const { id, token } = await person({ displayName: 'Zoë Trail', email: 'zoe@example.org' });
    await call(token, 'PATCH', '/me', { displayName: 'Zoë Trial' });
    const { rows } = await instance.pool.query<{ shown: string; personal: string; event: string }>(
      `select concat(old_values, new_values, action, resource_id) as shown, personal::text, event
       from audit_entry where event like '%' || $1 || '%' order by sequence`,
      [id],
    );
    expect(rows).toHaveLength(3);
    for (const { shown } of rows) expect(shown).not.toMatch(/Zoë|zoe@|hmac/);
    expect(rows[2]!.personal).toContain('Zoë Trial');
    const secret = token.split('_')[3]!;
    const everything = await instance.pool.query(`select 1 from audit_entry where event like '%' || $1 || '%'`, [
      secret,
    ]);
    expect(everything.rows).toEqual([]);
  });
});
