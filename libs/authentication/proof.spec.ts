import { Controller, Module, Post } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Pool } from 'pg';
import { Caller, ConsistencyTokens, type Principal, ProvenMeanwhile } from '../edge/index.js';
import {
  createHttpApp,
  createLogger,
  deterministicIds,
  ManualClock,
  mintToken,
  pepperOf,
  Refused,
} from '../platform/index.js';
import { until } from '../testing/until.js';
import { AuthenticationGuard } from './authentication.guard.js';
import type { CredentialUses } from './credential-uses.js';
import { OidcSignIn } from './oidc-sign-in.js';
import { OwnTokens } from './own-tokens.js';

const ID = '01JQ0000000000000000000ABC';
const pepper = pepperOf('pepper-of-the-specification-00000');
const { token, hmac } = mintToken('pat', ID, deterministicIds('proof'), pepper);
const forged = mintToken('pat', ID, deterministicIds('forger'), pepper).token;
const GOOD = { id: ID, holderId: ID, name: 'Ada', active: true, hmac, expiresAt: null, revokedAt: null };
const REVOKED = { ...GOOD, revokedAt: '2025-12-31T00:00:00.000Z' };

/** Routes that were entered, by whom. */
let entered: string[];
/** What the database answers, once it does. */
let stored: () => Promise<object>;
let app: NestFastifyApplication;

@Controller('v1')
class Routes {
  @Post('meanwhile')
  @ProvenMeanwhile()
  meanwhile(@Caller() { id, name }: Principal): object {
    entered.push(`${id} ${name}`);
    return { id };
  }

  @Post('refusing')
  @ProvenMeanwhile()
  refusing(@Caller() { id, name }: Principal): object {
    entered.push(`${id} ${name}`);
    throw new Refused('forbidden');
  }

  @Post('afterwards')
  afterwards(@Caller() { id, name }: Principal): object {
    entered.push(`${id} ${name}`);
    return { id };
  }
}

@Module({})
class RoutesModule {}

beforeEach(async () => {
  entered = [];
  stored = async () => GOOD;
  const pool = { query: async () => ({ rows: [await stored()] }) } as unknown as Pool;
  const uses = { note: () => undefined } as unknown as CredentialUses;
  const module = {
    module: RoutesModule,
    controllers: [Routes],
    providers: [
      { provide: ConsistencyTokens, useValue: {} },
      { provide: OidcSignIn, useValue: { isOn: false } },
      { provide: OwnTokens, useValue: new OwnTokens(pool, new ManualClock(), [pepper], undefined, uses) },
      { provide: APP_GUARD, useClass: AuthenticationGuard },
    ],
  };
  app = await createHttpApp(module, { logger: createLogger({ level: 'silent', name: 'proof' }) });
  await app.init();
});
afterEach(() => app.close());

async function call(route: string, bearer = token): Promise<{ status: number; body: { code?: string } }> {
  const headers = { authorization: `Bearer ${bearer}` };
  const { statusCode, body } = await app.inject({ method: 'POST', url: `/v1/${route}`, headers });
  return { status: statusCode, body: JSON.parse(body) as object };
}

describe('a route that begins while it is proven who calls', () => {
  it('begins for who held the token the last time, and answers when it was looked at again', async () => {
    expect((await call('meanwhile')).status).toBe(201);
    let answer!: (row: object) => void;
    const asked = new Promise<object>((resolve) => (answer = resolve));
    stored = () => asked;
    const answered: string[] = [];
    const called = call('meanwhile').finally(() => answered.push('answered'));
    await until(() => entered.length === 2);
    expect(answered).toEqual([]);
    answer(GOOD);
    expect(await called).toMatchObject({ status: 201, body: { id: ID } });
    expect(entered).toEqual([`${ID} Ada`, `${ID} null`]);
  });

  it.each(['meanwhile', 'refusing'])(
    'answers 401 for a token that was revoked since, and begins no more: %s',
    async (route) => {
      await call(route);
      stored = async () => REVOKED;
      for (let calls = 0; calls < 2; calls++) {
        expect(await call(route)).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
      }
      expect(entered).toHaveLength(2);
    },
  );

  it('answers no one where the database can’t be asked', async () => {
    await call('meanwhile');
    stored = () => Promise.reject(new Refused('dependency-unavailable'));
    expect((await call('meanwhile')).status).toBe(503);
  });

  it('begins for nobody with another secret', async () => {
    await call('meanwhile');
    expect((await call('meanwhile', forged)).status).toBe(401);
    expect(entered).toHaveLength(1);
  });

  it('is none that does not say so', async () => {
    await call('meanwhile');
    stored = async () => REVOKED;
    expect((await call('afterwards')).status).toBe(401);
    expect(entered).toHaveLength(1);
  });
});
