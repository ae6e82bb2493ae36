import { PARTITION } from '../../libs/event-store/index.js';
import { readFile } from 'node:fs/promises';
import type { Pool } from 'pg';
import { SpiceDb } from '../../libs/authorization/index.js';
import { type EmbeddedSpiceDb, projectPath, startEmbeddedSpiceDb } from '../../libs/embedded/index.js';
import { refillRelationships } from '../../libs/outbox/index.js';
import type { Logger } from '../../libs/platform/index.js';

export interface SupervisedSpiceDbOptions {
  port: number;
  presharedKey: string;
  logger: Logger;
}

/** Its memory datastore never forgets a revision: past this it is started anew and refilled. */
const MEMORY_BOUND_BYTES = 330 * 1024 * 1024;
const MEMORY_CHECK_MS = 15_000;

/** The embedded SpiceDB, refilled from the wanted relationships whenever its process starts. */
export class SupervisedSpiceDb {
  private current: EmbeddedSpiceDb | undefined;
  private stopping = false;
  private memoryCheck: NodeJS.Timeout | undefined;
  private port: number;

  constructor(private readonly options: SupervisedSpiceDbOptions) {
    this.port = options.port;
  }

  get endpoint(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Starts the process; it answers nobody before `serve`. */
  async start(): Promise<void> {
    const { presharedKey, logger } = this.options;
    this.current = await startEmbeddedSpiceDb({
      port: this.port,
      presharedKey,
      log: (line) => logger.debug({ spicedb: line }, 'spicedb'),
    });
    this.port = Number(this.current.endpoint.split(':').at(-1));
  }

  /** Writes the schema and the wanted relationships, and opens the port; from here on it is kept running. */
  async serve(pool: Pool): Promise<void> {
    await this.fill(pool);
    this.watch(pool);
    this.memoryCheck = setInterval(() => void this.checkMemory(), MEMORY_CHECK_MS);
    this.memoryCheck.unref();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    clearInterval(this.memoryCheck);
    await this.current?.stop();
  }

  private async fill(pool: Pool): Promise<void> {
    const { privateEndpoint, privateKey } = this.current!;
    const spicedb = new SpiceDb({ endpoint: privateEndpoint, presharedKey: privateKey, tls: false });
    try {
      await spicedb.writeSchema(await readFile(projectPath('schema.zed'), 'utf8'));
      const refilled = await refillRelationships(pool, spicedb, PARTITION);
      this.options.logger.info(refilled, 'the embedded SpiceDB is filled');
    } finally {
      spicedb.close();
    }
    await this.current!.open();
  }

  private watch(pool: Pool): void {
    void this.current!.exited.then(async (exit) => {
      if (this.stopping) return;
      this.options.logger.warn({ exit }, 'the embedded SpiceDB ended and is started again');
      await this.restart(pool);
    });
  }

  private async restart(pool: Pool): Promise<void> {
    try {
      await this.start();
      await this.fill(pool);
    } catch (error) {
      this.options.logger.error({ error: (error as Error).message }, 'the embedded SpiceDB does not start');
      await this.current?.stop().catch(() => undefined);
      if (!this.stopping) setTimeout(() => void this.restart(pool), 1_000).unref();
      return;
    }
    if (this.stopping) return this.current!.stop();
    this.watch(pool);
  }

  private async checkMemory(): Promise<void> {
    const bytes = await this.current?.memoryBytes().catch(() => 0);
    if (bytes === undefined || bytes < MEMORY_BOUND_BYTES || this.stopping) return;
    this.options.logger.info({ bytes }, 'the embedded SpiceDB is recycled');
    await this.current?.stop();
  }
}
