import { type CanActivate, type DynamicModule, type ExecutionContext, Module, type Type } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { CqrsModule } from '@nestjs/cqrs';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyRequest } from 'fastify';
import { SpiceDbUnavailable } from '../authorization/index.js';
import {
  Access,
  AccessGuard,
  CommandEdge,
  ConsistencyTokens,
  EVENT_LOG,
  KYSELY,
  POOL,
  type Principal,
  SIGNING_KEY,
  SPICEDB,
} from '../edge/index.js';
import {
  CLOCK,
  createHttpApp,
  createLogger,
  IDS,
  openKysely,
  Refused,
  systemClock,
  systemIds,
} from '../platform/index.js';
import { Progress } from '../projections/index.js';
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

interface Routes {
  controllers: Type<unknown>[];
  modules: Type<unknown>[];
}
/** Tests look into it. */
type Body = Record<string, never> & { items: Record<string, never>[] };

/** Some routes on a world. */
export class HttpWorld {
  private constructor(
    readonly world: World,
    readonly progress: Progress,
    private readonly app: NestFastifyApplication,
  ) {}

  static async start({ controllers, modules }: Routes): Promise<HttpWorld> {
    const world = await World.start();
    const progress = new Progress(world.pool);
    await progress.start();
    const providers = [
      { provide: POOL, useValue: world.pool },
      { provide: KYSELY, useValue: openKysely(world.pool) },
      { provide: EVENT_LOG, useValue: world.log },
      { provide: SPICEDB, useValue: world.spicedb },
      { provide: SIGNING_KEY, useValue: 'signing-key-of-the-specification' },
      { provide: Progress, useValue: progress },
      { provide: CLOCK, useValue: systemClock },
      { provide: IDS, useValue: systemIds },
    ];
    const module: DynamicModule = {
      module: HttpWorldModule,
      global: true,
      imports: [CqrsModule.forRoot(), ...modules],
      controllers,
      providers: [
        ...providers,
        Access,
        ConsistencyTokens,
        CommandEdge,
        { provide: APP_GUARD, useClass: TrustingGuard },
        { provide: APP_GUARD, useClass: AccessGuard },
      ],
      exports: [...providers.map(({ provide }) => provide), Access, ConsistencyTokens],
    };
    const app = await createHttpApp(module, {
      logger: createLogger({ level: 'silent', name: 'spec' }),
      translateError: (error) =>
        error instanceof SpiceDbUnavailable ? new Refused('dependency-unavailable', 'SpiceDB') : undefined,
    });
    await app.init();
    return new HttpWorld(world, progress, app);
  }

  async stop(): Promise<void> {
    await this.app.close();
    await this.progress.close();
    await this.world.stop();
  }

  /** Relays everything, and waits until this process knows. */
  async relay(): Promise<void> {
    await this.world.relay();
    await this.progress.waitFor('delivered', await this.world.log.head(), 5_000);
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
