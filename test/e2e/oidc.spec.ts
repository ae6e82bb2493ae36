import { CommandBus } from '@nestjs/cqrs';
import { operatorContext } from '../../apps/operator/session.js';
import { processContext } from '../../libs/event-store/index.js';
import { BootstrapAdmin } from '../../libs/installation/index.js';
import { KEYS_COOLDOWN_MS, KEYS_RETRY_MS } from '../../libs/platform/index.js';
import { AUDIENCE, TestOidcProvider } from '../../libs/testing/oidc-provider.js';
import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';
import { EraseUser } from '../../libs/users/index.js';
import { done, relationshipsNaming, stopChecked, uniqueName } from './world.js';

/** Milliseconds that the product's clock is ahead: less than the skew. */
let ahead = 0;
let provider: TestOidcProvider;
let app: TestApp;

beforeAll(async () => {
  provider = await TestOidcProvider.start();
  app = await startTestApp({
    clock: { now: () => new Date(Date.now() + ahead) },
    env: { OIDC_ISSUER: provider.issuer, OIDC_AUDIENCE: AUDIENCE },
  });
});

afterAll(async () => {
  await stopChecked(app);
  await provider.down();
});

const registered = async (subject: string) => {
  const { body } = await app.admin.get('/v1/users?limit=200');
  return body.items.filter((user: { externalIdentity?: { subject: string } }) => {
    return user.externalIdentity?.subject === subject;
  });
};
const withHeader = (authorization: string) => app.as().get('/v1/me', { authorization });

describe('a person whom the provider knows', () => {
  it('is a user from the first call on, without memberships', async () => {
    const subject = uniqueName('ann');
    provider.claims.set(subject, { name: ' Ann\u0000 Lee ', email: 'Ann@Example.org' });
    const ann = app.as(await provider.token(subject));
    const { status, body } = await ann.get('/v1/me');
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { type: 'user', displayName: 'Ann Lee', email: 'ann@example.org', active: true, authentication: 'oidc' },
    });
    expect(await ann.get('/v1/me')).toMatchObject({ body: { id: body.id } });
    expect(await registered(subject)).toMatchObject([{ id: body.id, externalIdentity: { issuer: provider.issuer } }]);
    expect((await ann.get('/v1/tenants')).body.items).toEqual([]);
    expect((await ann.get('/v1/users')).status).toBe(403);
    expect(await relationshipsNaming(app, body.id)).toEqual([]);
  });

  it('is one user, however many of their first calls come at once', async () => {
    const subject = uniqueName('many');
    const token = await provider.token(subject);
    const answers = await Promise.all(Array.from({ length: 20 }, () => app.as(token).get('/v1/me')));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    await app.settled();
    expect(await registered(subject)).toHaveLength(1);
  });

  it('may act at once, on the record as themselves', async () => {
    const subject = uniqueName('maker');
    provider.claims.set(subject, { name: 'Maker' });
    const maker = app.as(await provider.token(subject));
    const { body: tenant } = await done(maker.post('/v1/tenants', { name: uniqueName('made') }));
    const { body: me } = await maker.get('/v1/me');
    const { body: trail } = await maker.get(`/v1/tenants/${tenant.id}/audit-log?order=asc`);
    expect(trail.items[0].actor).toMatchObject({ type: 'user', id: me.id });
    const { body: system } = await app.admin.get(`/v1/audit-log?resourceId=${me.id}`);
    expect(system.items.map(({ action }: { action: string }) => action).sort()).toEqual([
      'identity.claimed',
      'user.registered',
    ]);
  });

  it('is erased with the address and browser of their first call', async () => {
    const subject = uniqueName('erased');
    provider.claims.set(subject, { name: 'Erased' });
    const person = app.as(await provider.token(subject));
    const { body: me } = await done(person.get('/v1/me', { 'user-agent': 'first-browser/1' }));
    const trail = async () => (await done(app.admin.get(`/v1/audit-log?resourceId=${me.id}&limit=200`))).body.items;
    const claimed = { action: 'identity.claimed', actor: { id: 'sign-in', onBehalfOf: { type: 'user', id: me.id } } };
    expect(await trail()).toContainEqual(expect.objectContaining({ userAgent: 'first-browser/1' }));
    await app.app.get(CommandBus).execute(new EraseUser(operatorContext(app.runtime, 'olga'), { userId: me.id }));
    await app.settled();
    const after = (await trail()) as { action: string }[];
    expect(after.find(({ action }) => action === claimed.action)).toMatchObject({
      ...claimed,
      ip: null,
      userAgent: null,
    });
    expect(JSON.stringify(after)).not.toContain('first-browser');
  });

  it('is the user who was registered with their identity', async () => {
    const subject = uniqueName('known');
    const externalIdentity = { issuer: provider.issuer, subject };
    const { body: user } = await done(app.admin.post('/v1/users', { displayName: 'Known', externalIdentity }));
    provider.claims.set(subject, { name: 'Other name' });
    const known = app.as(await provider.token(subject));
    expect((await known.get('/v1/me')).body).toMatchObject({ id: user.id, displayName: 'Known' });
  });

  it('is a system admin from the first call on, when an operator made them one', async () => {
    const subject = uniqueName('first-admin');
    const { clock, ids } = app.runtime;
    const context = processContext('operator', clock, ids);
    const userId = ids.ulid(clock.now());
    const input = { userId, externalIdentity: { issuer: provider.issuer, subject } };
    await app.app.get(CommandBus).execute(new BootstrapAdmin(context, input));
    await app.settled();
    const admin = app.as(await provider.token(subject));
    expect((await admin.get('/v1/me')).body).toMatchObject({ id: userId, systemAdmin: true, authentication: 'oidc' });
    expect((await admin.get('/v1/users')).status).toBe(200);
  });

  it('has a token of theirs accepted as a user’s, not as a service account’s', async () => {
    const token = await provider.token('words');
    expect((await withHeader(`Bearer User ${token}`)).status).toBe(200);
    expect((await withHeader(`bearer ${token}`)).status).toBe(200);
    expect((await withHeader(`Bearer ServiceAccount ${token}`)).status).toBe(401);
  });

  it('is refused once the user is deactivated, and not registered anew', async () => {
    const subject = uniqueName('gone');
    const gone = app.as(await provider.token(subject));
    const { body } = await done(gone.get('/v1/me'));
    await done(app.admin.delete(`/v1/users/${body.id}`));
    expect(await gone.get('/v1/me')).toMatchObject({ status: 401, body: { detail: 'the user is not active' } });
    expect(await registered(subject)).toMatchObject([{ id: body.id, active: false }]);
  });
});

describe('a token that is refused', () => {
  const second = (offset: number): number => Math.floor(Date.now() / 1_000) + offset;

  it.each<[string, () => Promise<string> | string, string]>([
    [
      'for another audience',
      () => provider.token('ann', { audience: 'https://other.example' }),
      'for another audience',
    ],
    ['an ID token of another client', () => provider.signed({ aud: 'a-client' }, { typ: 'JWT' }), 'another audience'],
    ['expired', () => provider.signed({ exp: second(-90) }), 'has expired'],
    ['of the future', () => provider.signed({ iat: second(90) }), 'of the future'],
    ['of another issuer', () => provider.signed({ iss: 'https://evil.example' }), 'of another issuer'],
    ['of an unknown key', () => provider.signed({}, { kid: 'x' }), 'key of the token is not known'],
    ['unsigned', () => 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.', 'not accepted'],
    ['huge', () => provider.signed({ fill: 'x'.repeat(7_000) }), 'too long'],
    ['garbage', () => 'a.b.c', 'not valid'],
  ])('is a 401 that tells why in its header: %s', async (_what, make, why) => {
    const { status, headers, body } = await withHeader(`Bearer ${await make()}`);
    expect({ status, body }).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    expect(headers.get('www-authenticate')).toMatch(/^Bearer error="invalid_token", error_description="[^"]+"$/);
    expect(headers.get('www-authenticate')).toContain(why);
  });

  it.each(['', 'Bearer', 'Bearer ', 'Bearer User', 'Bearer User ', 'User tok', 'Bearer Robot x'])(
    'is a 401 when the header is "%s" (MG-001, MG-002, MG-003)',
    async (header) => {
      const { status, headers } = await withHeader(header);
      expect(status).toBe(401);
      expect(headers.get('www-authenticate')).toMatch(/^Bearer/);
    },
  );

  it('leaves no trace of tokens in the log', async () => {
    const token = await provider.signed({ exp: second(-90) });
    await withHeader(`Bearer ${token}`);
    expect(app.logged.join('')).not.toContain(token.split('.')[2]);
  });
});

describe('while the provider is away', () => {
  it('who is known goes on, and a token that can’t be judged is a 503 until it is back', async () => {
    const [ann, later] = [app.as(await provider.token('ann')), app.as(await provider.signed({}, { kid: 'next' }))];
    await done(ann.get('/v1/me'));
    await provider.down();
    ahead += KEYS_COOLDOWN_MS;
    expect((await ann.get('/v1/me')).status).toBe(200);
    expect(await later.get('/v1/me')).toMatchObject({ status: 503, body: { code: 'dependency-unavailable' } });
    await provider.rotate();
    await provider.up();
    ahead += KEYS_RETRY_MS;
    const rotated = app.as(await provider.token('ann'));
    expect((await rotated.get('/v1/me')).status).toBe(200);
    expect((await later.get('/v1/me')).status).toBe(401);
    expect((await ann.get('/v1/me')).status).toBe(401);
  });
});
