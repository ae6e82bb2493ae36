import { type CanActivate, type DynamicModule, type ExecutionContext, Module, type Type } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyRequest } from 'fastify';
import { SpiceDbUnavailable } from '../authorization/index.js';
import { AccessGuard, ConsistencyTokens, type Principal } from '../edge/index.js';
import { createHttpApp, createLogger, loadConfig, Metrics, Refused, systemIds } from '../platform/index.js';
import { Progress } from '../projections/index.js';
import { SubjectKeys } from '../personal-data/index.js';
import { PATIENCE_MS } from '../testing/until.js';
import { RuntimeModule } from '../wiring/index.js';
import { World } from './world.fixture.js';

/** Believes what a call says of who calls: `as: user:…`. */
class TrustingGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const [type, id] = (request.headers['as'] as string).split(':') as [Principal['type'], string];
    request.principal = { type, id, name: null, authentication: 'token' };
    return true;
  }
}

@Module({})
class HttpWorldModule {}

/** Tests look into it. */
type Body = Record<string, never> & { items: Record<string, never>[] };

/** Some routes on a world. */
export class HttpWorld {
  private constructor(
    readonly world: World,
    readonly progress: Progress,
    private readonly app: NestFastifyApplication,
  ) {}

  static async start(...controllers: Type<unknown>[]): Promise<HttpWorld> {
    const world = await World.start();
    const progress = new Progress(world.pool);
    try {
      await progress.start();
      const app = await createHttpApp(moduleOf(world, progress, controllers), {
        logger: createLogger({ level: 'silent', name: 'spec' }),
        translateError: (error) =>
          error instanceof SpiceDbUnavailable ? new Refused('dependency-unavailable', 'SpiceDB') : undefined,
      });
      await app.init();
      return new HttpWorld(world, progress, app);
    } catch (error) {
      await progress.close();
      await world.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.app.close();
    await this.progress.close();
    await this.world.stop();
  }

  /** Relays everything, and waits until this process knows. */
  async relay(): Promise<void> {
    await this.world.relay();
    await this.progress.waitFor('delivered', await this.world.log.head(), PATIENCE_MS);
  }

  token(position: number, correlationId: string): Promise<string> {
    return this.app.get(ConsistencyTokens).issue({ position, correlationId });
  }

  async get(as: string, url: string, headers: Record<string, string> = {}) {
    return this.call('GET', as, url, undefined, headers);
  }

  async post(as: string, url: string, payload: unknown, headers: Record<string, string> = {}) {
    return this.call('POST', as, url, payload, headers);
  }

  private async call(method: 'GET' | 'POST', as: string, url: string, body: unknown, given: Record<string, string>) {
    const headers = { as, ...(body !== undefined && { 'content-type': 'application/json' }), ...given };
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const answer = await this.app.inject({ method, url, headers, payload });
    return { status: answer.statusCode, headers: answer.headers, body: JSON.parse(answer.body) as Body };
  }
}

function moduleOf(world: World, progress: Progress, controllers: Type<unknown>[]): DynamicModule {
  const { pool, log, spicedb, domain, clock } = world;
  const env = { DATABASE_URL: world.databaseUrl, SPICEDB_ENDPOINT: 'unused:1', SPICEDB_PRESHARED_KEY: 'unused' };
  const config = loadConfig({ ...env, ADMIN_TOKEN: 'unused-admin-token' }, { mode: 'standalone' });
  const keys = new SubjectKeys(pool, config.personalDataKeys);
  const runtime = { config, pool, log, spicedb, domain, keys, progress, clock, ids: systemIds, metrics: new Metrics() };
  return {
    module: HttpWorldModule,
    imports: [RuntimeModule.with(runtime)],
    controllers,
    providers: [
      { provide: APP_GUARD, useClass: TrustingGuard },
      { provide: APP_GUARD, useClass: AccessGuard },
    ],
  };
}
