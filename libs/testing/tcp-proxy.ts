import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface Endpoint {
  host: string;
  port: number;
}

/** Stands between a client and its server and does what networks do: cut, refuse, freeze and delay connections. */
export class TcpProxy {
  private readonly pairs = new Set<[client: Socket, server: Socket]>();
  private readonly timers = new Set<NodeJS.Timeout>();
  private frozen = false;
  private delayMs = 0;
  private lastDueAt = 0;
  private onClosed: () => void = () => undefined;
  private listener: Server;

  private constructor(
    private target: Endpoint,
    private port: number,
  ) {
    this.listener = this.createListener();
  }

  static async start(target: Endpoint, port = 0): Promise<TcpProxy> {
    const proxy = new TcpProxy(target, port);
    await proxy.accept();
    return proxy;
  }

  get address(): Endpoint {
    return { host: '127.0.0.1', port: this.port };
  }

  get connections(): number {
    return this.pairs.size;
  }

  /** Where new connections lead from now on. */
  redirect(target: Endpoint): void {
    this.target = target;
  }

  /** Resets every connection there is; new ones are still taken. */
  cut(): void {
    for (const sockets of this.pairs) sockets.forEach(reset);
    this.pairs.clear();
    this.onClosed();
  }

  /** New connections are refused until `accept`. */
  async refuse(): Promise<void> {
    if (!this.listener.listening) return;
    const closed = once(this.listener, 'close');
    this.listener.close();
    this.cut();
    await closed;
  }

  async accept(): Promise<void> {
    if (this.listener.listening) return;
    this.listener = this.createListener();
    this.listener.listen(this.port, '127.0.0.1');
    await once(this.listener, 'listening');
    this.port = (this.listener.address() as AddressInfo).port;
  }

  /** Connections stay open and nothing passes, as behind a dead switch, until `thaw`. */
  freeze(): void {
    this.frozen = true;
    this.strand();
  }

  thaw(): void {
    this.frozen = false;
    for (const sockets of this.pairs) sockets.forEach((socket) => socket.resume());
  }

  /** Nothing passes any more on the connections there are, and nobody is told; new ones work. */
  strand(): void {
    for (const sockets of this.pairs) sockets.forEach((socket) => socket.pause());
  }

  /** Resolves once there is no connection. */
  async untilIdle(): Promise<void> {
    while (this.pairs.size > 0) await new Promise<void>((resolve) => (this.onClosed = resolve));
  }

  /** Whatever passes from now on takes this much longer. */
  delay(ms: number): void {
    this.delayMs = ms;
  }

  async stop(): Promise<void> {
    await this.refuse();
    this.cut();
    for (const timer of this.timers) clearTimeout(timer);
  }

  private createListener(): Server {
    return createServer((client) => this.join(client));
  }

  private join(client: Socket): void {
    const server = connect({ ...this.target, noDelay: true });
    client.setNoDelay(true);
    const pair: [Socket, Socket] = [client, server];
    this.pairs.add(pair);
    this.forward(client, server);
    this.forward(server, client);
    const end = (): void => {
      this.pairs.delete(pair);
      client.destroy();
      server.destroy();
      this.onClosed();
    };
    for (const socket of pair) socket.on('error', end).on('close', end);
    if (this.frozen) pair.forEach((socket) => socket.pause());
  }

  private forward(from: Socket, to: Socket): void {
    from.on('data', (bytes) => {
      if (this.delayMs > 0 || this.timers.size > 0) this.later(() => to.write(bytes));
      else if (!to.write(bytes)) {
        from.pause();
        to.once('drain', () => {
          if (!this.frozen) from.resume();
        });
      }
    });
  }

  private later(work: () => void): void {
    // Never before what was delayed earlier, when the delay becomes shorter.
    this.lastDueAt = Math.max(this.lastDueAt, performance.now() + this.delayMs);
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      work();
    }, this.lastDueAt - performance.now());
    this.timers.add(timer);
  }
}

/** Node leaks the handle of a socket that is reset while it is being ended. */
function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
