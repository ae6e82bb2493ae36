import { createHmac } from 'node:crypto';
import { exportSPKI, importJWK } from 'jose';
import { AUDIENCE, TestOidcProvider } from '../testing/oidc-provider.js';
import { until } from '../testing/until.js';
import { ManualClock } from './clock.js';
import { KEYS_COOLDOWN_MS, KEYS_MAX_AGE_MS, KEYS_RETRY_MS, OidcKeys } from './oidc-keys.js';
import { CLOCK_SKEW_S, isJwt, LONGEST_JWT, verifyOidcToken } from './oidc-token.js';

const second = (offset = 0): number => Math.floor(Date.now() / 1_000) + offset;
const encode = (part: unknown): string => Buffer.from(JSON.stringify(part)).toString('base64url');

let provider: TestOidcProvider;
let clock: ManualClock;
let keys: OidcKeys;

beforeAll(async () => {
  provider = await TestOidcProvider.start();
});

afterAll(() => provider.down());

beforeEach(() => {
  clock = new ManualClock(new Date());
  keys = new OidcKeys({ issuer: provider.issuer, clock });
});

const verify = (token: string) =>
  verifyOidcToken(token, { issuer: provider.issuer, audience: AUDIENCE, clock, keyFor: keys.keyFor });
const refusal = (detail: string) => ({ code: 'unauthenticated', detail });

describe('a token of the provider', () => {
  it.each(['RS256', 'PS256', 'ES256', 'EdDSA'] as const)('is known by its signature: %s', async (algorithm) => {
    provider.algorithm = algorithm;
    provider.claims.set('ann', { name: 'Ann', email: 'ann@example.org' });
    const token = await provider.token('ann');
    expect(isJwt(token)).toBe(true);
    expect(await verify(token)).toEqual({
      ...{ issuer: provider.issuer, subject: 'ann', name: 'Ann', email: 'ann@example.org' },
    });
    provider.algorithm = 'RS256';
  });

  it('is refused when it is for another audience', async () => {
    const token = await provider.token('ann', { audience: 'https://other.example' });
    await expect(verify(token)).rejects.toMatchObject(refusal('the token is for another audience'));
  });

  it('counts for a clock that is off by no more than the skew', async () => {
    const now = Math.floor(clock.now().getTime() / 1_000);
    const token = await provider.signed({ exp: now, iat: now, nbf: now });
    clock.advance((CLOCK_SKEW_S - 2) * 1_000);
    await verify(token);
    clock.advance(4_000);
    await expect(verify(token)).rejects.toMatchObject(refusal('the token has expired'));
    clock.advance(-2 * CLOCK_SKEW_S * 1_000);
    await verify(token);
    clock.advance(-10_000);
    await expect(verify(token)).rejects.toMatchObject(refusal('the token is not valid yet'));
  });
});

describe('a token that somebody made up', () => {
  it.each<[string, () => Promise<string> | string, string]>([
    [
      'without a signature',
      () => `${encode({ alg: 'none', kid: 'RS256-1' })}.${encode({ sub: 'a' })}.`,
      'the token is signed in a way that is not accepted',
    ],
    ['with a public key for a secret', hs256, 'the token is signed in a way that is not accepted'],
    ['of another issuer', () => provider.signed({ iss: 'https://evil.example' }), 'the token is of another issuer'],
    ['without an audience', () => provider.signed({ aud: undefined }), 'the token is for another audience'],
    ['for several others', () => provider.signed({ aud: ['a', 'b'] }), 'the token is for another audience'],
    ['past its end', () => provider.signed({ exp: second(-120) }), 'the token has expired'],
    ['without an end', () => provider.signed({ exp: undefined }), 'the token has no end'],
    ['with an end that is text', () => provider.signed({ exp: '9999999999' }), 'the token has no end'],
    ['issued in the future', () => provider.signed({ iat: second(120) }), 'the token is of the future'],
    ['valid in the future', () => provider.signed({ nbf: second(120) }), 'the token is not valid yet'],
    ['without a subject', () => provider.signed({ sub: undefined }), 'the token has no usable subject'],
    ['with an empty subject', () => provider.signed({ sub: '' }), 'the token has no usable subject'],
    ['with a subject that is a number', () => provider.signed({ sub: 7 }), 'the token has no usable subject'],
    ['with a long subject', () => provider.signed({ sub: 'x'.repeat(256) }), 'the token has no usable subject'],
    [
      'with a subject that reads as another’s',
      () => provider.signed({ sub: 'ﬁona' }),
      'the token has no usable subject',
    ],
    ['without naming its key', () => provider.signed({}, { kid: undefined }), 'the token does not name its key'],
    ['with a key that nobody has', () => provider.signed({}, { kid: 'mine' }), 'the key of the token is not known'],
    ['as a logout token', () => provider.signed({}, { typ: 'logout+jwt' }), 'the token is of another type'],
    ['with a type that is no text', () => provider.signed({}, { typ: 7 }), 'the token is of another type'],
    ['with another key of its own', ownKey, 'the signature of the token is wrong'],
    ['with a changed subject', changed, 'the signature of the token is wrong'],
    ['with a critical extension', () => provider.signed({}).then(critical), 'the token is not valid'],
    ['of nonsense', () => 'eyJhbGciOiJSUzI1NiJ9.e30.AA', 'the token does not name its key'],
    ['that is too long', () => provider.signed({ fill: 'x'.repeat(LONGEST_JWT) }), 'the token is too long'],
  ])('is refused: %s', async (_how, make, detail) => {
    await expect(verify(await make())).rejects.toMatchObject(refusal(detail));
  });

  it('never says more than that it isn’t valid of what can’t be read', async () => {
    for (const token of ['a.b.c', 'e30.e30.', `${encode([])}.${encode(1)}.x`, `${encode({ alg: 7 })}.e30.x`]) {
      await expect(verify(token)).rejects.toMatchObject({ code: 'unauthenticated' });
    }
  });

  it.each([false, 'false', 0, null, 'no'])(
    'leaves out an address that the provider has not verified: %j',
    async (email_verified) => {
      const unverified = { email: 'ann@example.org', email_verified };
      expect((await verify(await provider.signed(unverified))).email).toBeUndefined();
    },
  );

  it.each([true, 'true', undefined])(
    'has an address that is verified, or of which that is not said: %j',
    async (said) => {
      const claims = { email: 'ann@example.org', email_verified: said };
      expect((await verify(await provider.signed(claims))).email).toBe('ann@example.org');
    },
  );
});

describe('the keys of the provider', () => {
  it('are fetched once for many calls, and again when a key is not known, within bounds', async () => {
    const token = await provider.signed({});
    const before = provider.fetches;
    await Promise.all(Array.from({ length: 20 }, () => verify(token)));
    expect(provider.fetches - before).toBe(1);
    const unknown = await provider.signed({}, { kid: 'unknown' });
    for (let call = 0; call < 5; call++) await expect(verify(unknown)).rejects.toThrow('not known');
    expect(provider.fetches - before).toBe(1);
    clock.advance(KEYS_COOLDOWN_MS);
    for (let call = 0; call < 5; call++) await expect(verify(unknown)).rejects.toThrow('not known');
    expect(provider.fetches - before).toBe(2);
  });

  it('follow a rotation: the new one counts at once, the old one no longer', async () => {
    const old = await provider.signed({ exp: second(3_600) });
    await verify(old);
    await provider.rotate();
    clock.advance(KEYS_COOLDOWN_MS);
    await verify(await provider.token('ann'));
    await expect(verify(old)).rejects.toMatchObject(refusal('the key of the token is not known'));
  });

  it('stay known while the provider is away; one that is not known can’t be told then', async () => {
    const failures: unknown[] = [];
    keys = new OidcKeys({ issuer: provider.issuer, clock, onFailure: (error) => failures.push(error) });
    const known = await provider.signed({ exp: second(3_600) });
    const unknown = await provider.signed({ exp: second(3_600) }, { kid: 'next' });
    await verify(known);
    await provider.down();
    clock.advance(KEYS_MAX_AGE_MS + 1);
    await verify(known);
    await expect(verify(unknown)).rejects.toMatchObject({ code: 'dependency-unavailable' });
    expect(failures).toHaveLength(1);
    await provider.up();
    clock.advance(KEYS_RETRY_MS);
    await expect(verify(unknown)).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('stay known, without a wait, while the provider takes calls and answers none', async () => {
    const known = await provider.signed({ exp: second(3_600) });
    await verify(known);
    await provider.down();
    clock.advance(KEYS_MAX_AGE_MS + 1);
    await verify(known);
    provider.silent = true;
    await provider.up();
    clock.advance(KEYS_RETRY_MS);
    await verify(known);
    await until(() => provider.unanswered.length === 1);
    expect(provider.unanswered[0]!.closed).toBe(false);
    provider.silent = false;
    provider.unanswered[0]!.destroy();
  });

  it('can’t be had of a provider that was never there, until it is', async () => {
    const token = await provider.signed({});
    await provider.down();
    await expect(verify(token)).rejects.toMatchObject({ code: 'dependency-unavailable' });
    await provider.up();
    clock.advance(KEYS_RETRY_MS);
    expect(await verify(token)).toMatchObject({ subject: 'forger' });
  });

  it('are not taken from a document that is of another issuer', async () => {
    const failures: unknown[] = [];
    const issuer = `${provider.issuer}/`;
    keys = new OidcKeys({ issuer, clock, onFailure: (error) => failures.push(error) });
    await expect(verify(await provider.signed({}))).rejects.toMatchObject({ code: 'dependency-unavailable' });
    expect(String(failures[0])).toContain('of another issuer');
  });
});

/** The classic: a verifier that lets the token choose takes the public key for a shared secret. */
async function hs256(): Promise<string> {
  const secret = await exportSPKI(
    (await importJWK(provider.publicKey('RS256'), 'RS256')) as Awaited<ReturnType<typeof keys.keyFor>>,
  );
  const text = `${encode({ alg: 'HS256', kid: provider.publicKey('RS256').kid })}.${encode({ sub: 'a' })}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

async function ownKey(): Promise<string> {
  const other = await TestOidcProvider.start();
  const jwk = other.publicKey('RS256');
  const token = await other.signed({ iss: provider.issuer }, { jwk, kid: provider.publicKey('RS256').kid });
  await other.down();
  return token;
}

async function changed(): Promise<string> {
  const [header, , signature] = (await provider.signed({})).split('.');
  const claims = { iss: provider.issuer, aud: AUDIENCE, sub: 'admin', exp: second(300) };
  return `${header}.${encode(claims)}.${signature}`;
}

function critical(token: string): string {
  const [, payload, signature] = token.split('.');
  const { kid } = provider.publicKey('RS256');
  return `${encode({ alg: 'RS256', kid, crit: ['x'], x: 1 })}.${payload}.${signature}`;
}
