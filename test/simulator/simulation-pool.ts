import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { TEMPLATE_DATABASE } from '../../libs/testing/test-database.js';
import { installSimulatedTime } from './flows.js';
import { type Handlers, openHandlers } from './handlers.js';
import { PostgresServer } from './postgres-server.js';
import { simulate, type Simulated, type SimulationOptions } from './simulator.js';

/** Several simulations side by side: while one waits for its database, another goes on. */
export class SimulationPool {
  private readonly free: PostgresServer[] = [];
  private readonly databases: string[] = [];

  private constructor(
    private readonly adminUrl: string,
    private readonly handlers: Handlers,
    private readonly takeBackTime: () => void,
  ) {}

  /** @param adminUrl of a server with the template database of tests */
  static async open(adminUrl: string, atOnce: number): Promise<SimulationPool> {
    const pool = new SimulationPool(adminUrl, await openHandlers(), installSimulatedTime());
    for (let number = 0; number < atOnce; number++) await pool.addDatabase();
    return pool;
  }

  /** Each of them, as many at once as there are databases; in the order in which they end. */
  async *all(options: Iterable<SimulationOptions>): AsyncGenerator<Simulated> {
    const left = options[Symbol.iterator]();
    const running = new Map<PostgresServer, Promise<{ server: PostgresServer; simulated: Simulated }>>();
    const begin = (server: PostgresServer): void => {
      const next = left.next();
      if (next.done) return;
      running.set(
        server,
        simulate(this.handlers, server, next.value).then((simulated) => ({ server, simulated })),
      );
    };
    try {
      for (const server of this.free) begin(server);
      while (running.size > 0) {
        const { server, simulated } = await Promise.race(running.values());
        running.delete(server);
        begin(server);
        yield simulated;
      }
    } finally {
      await Promise.allSettled(running.values());
    }
  }

  /** One by itself, while nothing else runs. */
  alone(options: SimulationOptions): Promise<Simulated> {
    return simulate(this.handlers, this.free[0]!, options);
  }

  async close(): Promise<void> {
    this.takeBackTime();
    await this.handlers.close();
    for (const server of this.free) await server.close();
    await this.inServer(this.databases.map((name) => `drop database if exists ${name} with (force)`));
  }

  private async addDatabase(): Promise<void> {
    const name = `simulated_${randomBytes(8).toString('hex')}`;
    await this.inServer([`create database ${name} template ${TEMPLATE_DATABASE}`]);
    this.databases.push(name);
    const url = new URL(this.adminUrl);
    url.pathname = `/${name}`;
    this.free.push(new PostgresServer(url.href));
  }

  private async inServer(statements: readonly string[]): Promise<void> {
    const client = new Client({ connectionString: this.adminUrl });
    await client.connect();
    for (const statement of statements) await client.query(statement);
    await client.end();
  }
}
