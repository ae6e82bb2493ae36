import type { NestFastifyApplication } from '@nestjs/platform-fastify';

/** Before a process stops it still serves, but says that it is not ready and that connections end with their call. */
export class Draining {
  private hasBegun = false;

  get begun(): boolean {
    return this.hasBegun;
  }

  begin(): void {
    this.hasBegun = true;
  }

  addTo(app: NestFastifyApplication): void {
    const fastify = app.getHttpAdapter().getInstance();
    fastify.addHook('onSend', (_request, reply, _payload, done) => {
      if (this.hasBegun) void reply.header('connection', 'close');
      done();
    });
  }
}
