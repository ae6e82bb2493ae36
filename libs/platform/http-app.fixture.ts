import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Body, Controller, Delete, Get, HttpCode, Module, Patch, Post, Query } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { IsBoolean } from 'class-validator';
import { createHttpApp, type HttpAppOptions } from './http-app.js';
import { ListQuery } from './list-query.js';
import { createLogger } from './logging.js';
import { Refused } from './refusal.js';
import { correlationId } from './request-context.js';
import { UlidParam } from './ulid-param.js';
import { IsFreeText, IsIsoInstant, IsName, IsNested, IsNestedList, IsUlid, Omittable } from './validators.js';

class Part {
  @IsName(10)
  name!: string;
}

class Thing {
  @IsName(10)
  name!: string;

  @Omittable()
  @IsFreeText(20)
  note?: string;

  @Omittable()
  @IsBoolean()
  urgent?: boolean;

  @Omittable()
  @IsIsoInstant()
  until?: string;

  @Omittable()
  @IsUlid({ each: true })
  ids?: string[];

  @Omittable()
  @IsNested(() => Part)
  part?: Part;

  @Omittable()
  @IsNestedList(() => Part, 2)
  parts?: Part[];
}

class ThingQuery extends ListQuery {
  @Omittable()
  @IsName(10)
  q?: string;
}

class Nothing {}

/** A call that waits until it is released. */
class Waiting {
  release!: () => void;
  arrive!: () => void;
  readonly released = new Promise<void>((resolve) => (this.release = resolve));
  readonly reached = new Promise<void>((resolve) => (this.arrive = resolve));
}

@Controller('v1/things')
class ThingsController {
  constructor(private readonly waiting: Waiting) {}

  @Get('waits/:thingId')
  async waits(): Promise<unknown> {
    this.waiting.arrive();
    await this.waiting.released;
    return {};
  }

  @Get('unwritable/:thingId')
  unwritable(): unknown {
    return { tooLarge: 1n };
  }

  @Get()
  list(@Query() query: ThingQuery): unknown {
    return { ...query };
  }

  @Post()
  create(@Body() thing: Thing): unknown {
    return { ...thing };
  }

  @Get('throws/:how')
  throws(@UlidParam('how') how: string): unknown {
    throw new TypeError(`secret detail ${how}`);
  }

  @Get(':thingId')
  get(@UlidParam('thingId') thingId: string): unknown {
    return { thingId, correlationId: correlationId() };
  }

  @Delete(':thingId')
  @HttpCode(204)
  remove(@UlidParam('thingId') thingId: string): void {
    if (thingId.endsWith('0')) throw new Refused('not-found', 'it is somebody else’s', { field: 'thingId' });
    if (thingId.endsWith('1')) throw new Refused('never-declared');
    if (thingId.endsWith('2')) throw new Refused('not-yet', undefined, { retryAfter: 0.2 });
    if (thingId.endsWith('3')) throw new Refused('unauthenticated');
    if (thingId.endsWith('4')) throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
    if (thingId.endsWith('5')) throw Object.assign(new Error('invalid byte sequence'), { code: '22021' });
    if (thingId.endsWith('6')) throw new RangeError('of another part');
  }

  @Patch(':thingId')
  touch(@Body() _nothing: Nothing): unknown {
    return {};
  }

  @Post(':thingId/after-body')
  afterBody(): unknown {
    return { correlationId: correlationId() };
  }
}

@Module({ controllers: [ThingsController], providers: [Waiting] })
export class ThingsModule {}

export const ID = '01JQ0000000000000000000ABC';
export const JSON_TYPE: CallHeaders = { 'content-type': 'application/json' };

export type CallHeaders = { [name: string]: string | string[] };
type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD' | 'OPTIONS';

/** A small application at the HTTP edge, and what it logged. */
export class ThingsApp {
  private constructor(
    readonly app: NestFastifyApplication,
    readonly logged: string[],
  ) {}

  get waiting(): Waiting {
    return this.app.get(Waiting);
  }

  static async start(options: Partial<HttpAppOptions> = {}): Promise<ThingsApp> {
    const logged: string[] = [];
    const destination = { write: (line: string) => void logged.push(line) };
    const app = await createHttpApp(ThingsModule, {
      logger: createLogger({ level: 'info', name: 'spec', destination }),
      translateError: (error) =>
        error instanceof RangeError ? new Refused('dependency-unavailable', 'the other part') : undefined,
      ...options,
    });
    await app.listen(0, '127.0.0.1');
    return new ThingsApp(app, logged);
  }

  /** Without headers of its own a call with a payload says that it is JSON. */
  async call(method: Method, url: string, payload?: string | Buffer, headers?: CallHeaders) {
    const sent = headers ?? (payload === undefined ? {} : JSON_TYPE);
    const answer = await this.app.inject({ method, url, payload, headers: sent });
    const body = (answer.body === '' ? undefined : JSON.parse(answer.body)) as
      { [member: string]: unknown } | undefined;
    return { status: answer.statusCode, headers: answer.headers, body, text: answer.body };
  }

  create(thing: unknown) {
    return this.call('POST', '/v1/things', JSON.stringify(thing));
  }

  /** What is sent, byte for byte, on a connection of its own. */
  async raw(...lines: string[]): Promise<string> {
    const { port } = (this.app.getHttpServer() as { address(): AddressInfo }).address();
    const socket = connect(port, '127.0.0.1');
    socket.end(`${lines.join('\r\n')}\r\n\r\n`);
    let answer = '';
    for await (const chunk of socket) answer += String(chunk);
    return answer;
  }
}
