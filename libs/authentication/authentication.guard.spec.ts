import type { ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Pool, QueryConfig } from 'pg';
import type { ConsistencyTokens } from '../edge/index.js';
import { deterministicIds, isConnectionError, ManualClock, mintToken, openPool, pepperOf } from '../platform/index.js';
import { AuthenticationGuard } from './authentication.guard.js';
import type { CredentialUses } from './credential-uses.js';
import type { OidcSignIn } from './oidc-sign-in.js';
import { OwnTokens } from './own-tokens.js';
import { Public } from './public-route.js';

const ID = '01JQ0000000000000000000ABC';
const [pepper, oldPepper] = [
  pepperOf('pepper-of-the-specification-00000'),
  pepperOf('pepper-before-the-rotation-000000'),
];
const { token, hmac } = mintToken('pat', ID, deterministicIds('guard'), pepper);
const HOLDER = { id: ID, holderId: ID, name: 'Ada', active: true, hmac, expiresAt: null, revokedAt: null };

interface World {
  rows?: object[];
  adminToken?: string;
  pool?: Pool;
  route?: () => void;
  consistency?: string[];
}

function call(authorization: string | undefined, { rows = [], adminToken, pool, route, consistency = [] }: World = {}) {
  const asked: unknown[][] = [];
  const used: string[] = [];
  const database = pool ?? { query: async ({ values }: QueryConfig<unknown[]>) => (asked.push(values!), { rows }) };
  const awaited = { await: async (heard: string, stage: string) => void consistency.push(`${heard} ${stage}`) };
  const uses = { note: (id: string) => void used.push(id) } as unknown as CredentialUses;
  const guard = new AuthenticationGuard(
    awaited as unknown as ConsistencyTokens,
    new OwnTokens(database as Pool, new ManualClock(), [pepper, oldPepper], adminToken, uses),
    { isOn: false } as OidcSignIn,
  );
  const headers = { authorization, ...(consistency.length > 0 && { 'consistency-token': consistency.pop() }) };
  const request = { headers } as unknown as FastifyRequest;
  const context = {
    getHandler: () => route ?? (() => undefined),
    getClass: () => Object,
    switchToHttp: () => ({ getRequest: () => request }),
  } as unknown as ExecutionContext;
  return { asked, used, request, answer: guard.canActivate(context) };
}

describe('the authentication', () => {
  it('lets anybody pass on public routes', async () => {
    const route = () => undefined;
    Public()(route);
    const { answer, request } = call(undefined, { route });
    expect(await answer).toBe(true);
    expect(request.principal).toBeUndefined();
  });

  it.each([
    ['nothing', undefined],
    ['another scheme', `Basic ${token}`],
    ['a token with a wrong checksum', `Bearer ${token.slice(0, -1)}~`],
    ['a user’s token for a service account’s', `Bearer ServiceAccount ${token}`],
    ['a JWT where no provider is trusted', 'Bearer eyJhbGciOiJSUzI1NiJ9.e30.AA'],
    ['an administrator’s token where none is configured', 'Bearer undefined'],
  ])('refuses %s without asking the database', async (_what, authorization) => {
    const { answer, asked } = call(authorization, { rows: [HOLDER] });
    await expect(answer).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(asked).toEqual([]);
  });

  it.each([`Bearer ${token}`, `bearer ${token}`, `Bearer User ${token}`])(
    'knows the holder by "%s"',
    async (header) => {
      const { answer, asked, used, request } = call(header, { rows: [HOLDER] });
      expect(await answer).toBe(true);
      expect(used).toEqual([ID]);
      expect(asked).toEqual([[[ID]]]);
      expect(request.principal).toEqual({ type: 'user', id: ID, name: 'Ada', authentication: 'token' });
    },
  );

  it('knows tokens whose HMAC is of an earlier pepper', async () => {
    const old = mintToken('pat', ID, deterministicIds('guard'), oldPepper);
    expect(await call(`Bearer ${old.token}`, { rows: [{ ...HOLDER, hmac: old.hmac }] }).answer).toBe(true);
  });

  it.each([
    ['unknown', [], 'the token is not valid'],
    ['of another secret', [{ ...HOLDER, hmac: `${hmac.slice(0, -1)}~` }], 'the token is not valid'],
    ['revoked', [{ ...HOLDER, revokedAt: '2025-12-31T00:00:00.000Z' }], 'the token was revoked'],
    ['expired now', [{ ...HOLDER, expiresAt: '2026-01-01T00:00:00.000Z' }], 'the token has expired'],
    ['of a deactivated user', [{ ...HOLDER, active: false }], 'the user is not active'],
  ])('refuses a token that is %s', async (_what, rows, detail) => {
    await expect(call(`Bearer ${token}`, { rows }).answer).rejects.toMatchObject({ code: 'unauthenticated', detail });
  });

  it('tells nobody but the holder why a token works no more', async () => {
    const rows = [{ ...HOLDER, hmac: `${hmac.slice(0, -1)}~`, revokedAt: '2025-12-31T00:00:00.000Z', active: false }];
    await expect(call(`Bearer ${token}`, { rows }).answer).rejects.toMatchObject({ detail: 'the token is not valid' });
  });

  it('waits until what the caller has heard of can be read', async () => {
    const consistency = ['heard'];
    await call(`Bearer ${token}`, { rows: [HOLDER], consistency }).answer;
    expect(consistency).toEqual(['heard projected']);
  });

  it('takes the configured token for the built-in administrator, once there is one', async () => {
    const admin = { holderId: ID, name: 'Administrator' };
    const { answer, request } = call('Bearer s3cret', { adminToken: 's3cret', rows: [admin] });
    expect(await answer).toBe(true);
    expect(request.principal).toMatchObject({ id: ID, authentication: 'admin-token' });
    const early = call('Bearer s3cret', { adminToken: 's3cret' }).answer;
    await expect(early).rejects.toMatchObject({ code: 'not-yet' });
  });

  it('refuses nobody where the database can’t be asked: that is answered 503', async () => {
    const pool = openPool({ url: 'postgres://nobody@127.0.0.1:1/none', applicationName: 'guard' });
    const error = await call(`Bearer ${token}`, { pool }).answer.catch((thrown: unknown) => thrown);
    expect(isConnectionError(error)).toBe(true);
    await pool.end();
  });
});
