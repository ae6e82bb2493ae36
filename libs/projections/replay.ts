import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import type { Pool, PoolClient } from 'pg';
import { type EventLog, type EventRegistry, LogRestored } from '../event-store/index.js';
import type { SourceMapping } from '../outbox/index.js';
import { isConnectionError } from '../platform/index.js';
import { requireCheckpoint } from './lost-checkpoint.js';
import type { ReadModel, Table } from './read-model.js';
import { claimReplay } from './replay-claim.js';
import { compareTables, holdRelay, type TableComparison } from './replay-comparison.js';
import { Pace, type PaceTiming } from './replay-pace.js';
import { ReplayFailed } from './replay-problems.js';
import { RelationshipsRun, wantedRelationships } from './replay-relationships.js';
import { ReadModelRun, type Rebuilt, type ReplayRun, type WriteFolded } from './replay-run.js';
import { decodeLive, liveEnd, type LiveEnd, type Piece, readUpTo } from './replay-source.js';
import { rememberVersions } from './replay-versions.js';
import { quote } from './row-writer.js';

export type ReplayPoint = 'after-tables' | 'in-batch' | 'after-batch' | 'before-switch' | 'in-switch' | 'after-switch';

export interface ReplayProgress {
  phase: 'folding' | 'indexing' | 'comparing' | 'switching';
  /** Of the last event folded, and of the last that the relay has committed. */
  position: number;
  head: number;
  /** Folded since this replay started or went on. */
  events: number;
  eventsPerSecond: number;
  /** Whether it holds itself back while the relay is at work. */
  resting: boolean;
}

export interface ReplayOptions {
  /** At least two connections of it are used at once. */
  pool: Pool;
  log: EventLog;
  registry: EventRegistry;
  /** Rebuilt in one reading of the log and switched together. */
  models: readonly ReadModel[];
  /** Where given, who wants which relationship is rebuilt, too. */
  relationships?: SourceMapping;
  partition?: number;
  batchSize?: number;
  /** Does not rest while the relay is at work. */
  fullSpeed?: boolean;
  /** Of the rests; the process's own where absent. */
  timing?: PaceTiming;
  onProgress?: (progress: ReplayProgress) => void;
  /** Hooks of kill tests. */
  onPoint?: (point: ReplayPoint) => void | Promise<void>;
}

export interface ReplayReport {
  models: string[];
  /** Where the rows stood when they took their place. */
  position: number;
  events: number;
  seconds: number;
  /** Of them, how long it rested for the live system. */
  restedSeconds: number;
  /** How what was there differed from the log. The rebuilt rows have won. */
  tables: TableComparison[];
}

const BATCH = 5_000;
const PIECE = 2_000;
/** While the relay is at work: about 10 ms. */
const SMALL = 500;
const TURN = 250;
const LOCK_NOT_AVAILABLE = '55P03';
/** Queries that come after ours wait behind it, so it gives up soon where a long query is in its way. */
const LONGEST_WAIT_FOR_QUERIES_MS = 250;
const RETRY_MS = 500;

/**
 * Rebuilds read models beside the live ones and puts them in their place, while the relay and queries go on. It sends
 * nothing. A replay that was interrupted, however it was, is gone on with.
 * @throws ReplayRefused another one is under way
 * @throws ReplayFailed an event can't be folded
 * @throws LogRestored the log is not the one that the live rows were made of, or the checkpoint is lost
 */
export async function replay(options: ReplayOptions): Promise<ReplayReport> {
  const client = await options.pool.connect();
  try {
    // Progress is committed with the rows it tells of, so what a crash of the server loses is only done again.
    await client.query('set statement_timeout = 0; set synchronous_commit = off; set jit = off');
    for (const { name } of rebuiltBy(options)) await claimReplay(client, name);
    return await new Replay(client, options).run();
  } finally {
    await client.query('select pg_advisory_unlock_all()').catch(() => undefined);
    client.release(true);
  }
}

function rebuiltBy({ models, relationships }: ReplayOptions): Rebuilt[] {
  return relationships ? [...models, wantedRelationships] : [...models];
}

interface Folded {
  events: number;
  /** Of the last of them. */
  position: number;
  writes: readonly WriteFolded[];
}

class Replay {
  private runs: ReplayRun[] = [];
  private events = 0;
  private head: LiveEnd['position'] = -1;
  private phase: ReplayProgress['phase'] = 'folding';
  private readonly startedAt = performance.now();
  private readonly pace: Pace;
  private readonly partition: number;

  constructor(
    private readonly client: PoolClient,
    private readonly options: ReplayOptions,
  ) {
    this.pace = new Pace(options.timing);
    this.partition = options.partition ?? 0;
  }

  async run(): Promise<ReplayReport> {
    await this.requireSameLog();
    this.runs = await this.transaction(() => this.open());
    await this.at('after-tables');
    await this.catchUp();
    this.enter('indexing');
    const afterStep = () => this.pace.restAfterStep();
    this.pace.begin();
    // The other cores are the live system's.
    if (this.pace.hasRested) {
      await this.client.query('set max_parallel_maintenance_workers = 0; set vacuum_cost_delay = 2');
    }
    for (const run of this.runs) await run.finish(afterStep);
    // What came meanwhile is not to be folded while the relay is held up.
    await this.catchUp();
    this.enter('comparing');
    const reachCheckpoint = async () => {
      await this.catchUp({ mayRest: false });
      this.pace.begin();
    };
    const compared = await compareTables(this.options.pool, this.tables, reachCheckpoint, afterStep);
    this.enter('switching');
    await this.at('before-switch');
    const position = await this.switchOver();
    await this.at('after-switch');
    const seconds = (performance.now() - this.startedAt) / 1_000;
    const restedSeconds = this.pace.restedMs / 1_000;
    return { models: this.names, position, events: this.events, seconds, restedSeconds, tables: compared };
  }

  private async open(): Promise<ReplayRun[]> {
    const { client, partition } = this;
    const { models, relationships } = this.options;
    const runs: ReplayRun[] = [];
    for (const model of models) runs.push(await ReadModelRun.open(client, model));
    if (relationships) runs.push(await RelationshipsRun.open(client, relationships, partition));
    return runs;
  }

  private get batchSize(): number {
    const size = this.options.batchSize ?? BATCH;
    return this.pace.isWary && !this.options.fullSpeed ? Math.min(size, SMALL) : size;
  }

  /** Read at once. */
  private get pieceSize(): number {
    return Math.min(this.batchSize, PIECE);
  }

  private get names(): string[] {
    return this.runs.map(({ rebuilt }) => rebuilt.name);
  }

  private get tables(): Table[] {
    return this.runs.flatMap(({ rebuilt }) => rebuilt.tables);
  }

  private get position(): number {
    return Math.min(...this.runs.map(({ position }) => position));
  }

  private async requireSameLog(): Promise<void> {
    const { rows } = await this.client.query<{ incarnation: string }>(
      'select incarnation from relay_checkpoint where partition = $1',
      [this.partition],
    );
    const incarnation = await this.options.log.incarnation();
    if (!rows[0]) return requireCheckpoint(this.client, this.partition);
    if (rows[0].incarnation === incarnation) return;
    throw new LogRestored(
      `the read side follows the log ${rows[0].incarnation}, but the event store holds ${incarnation}: ` +
        'connect the database that belongs to this event store, or restore the log',
    );
  }

  /** Folds what the relay has committed, until there is little left to do. */
  private async catchUp({ mayRest = !this.options.fullSpeed } = {}): Promise<void> {
    for (let before = -Infinity; this.events - before >= this.pieceSize;) {
      before = this.events;
      const end = await this.liveEnd();
      try {
        await this.fill(end, mayRest);
      } catch (error) {
        if (!(error instanceof ReplayFailed)) throw error;
        this.discard();
        for await (const piece of this.readUpTo(end)) await this.commitHalves(piece, end.skipped);
      }
    }
  }

  /** Each batch is folded while the one before it is being written, and the next piece read. */
  private async fill(end: LiveEnd, mayRest: boolean): Promise<void> {
    this.pace.begin();
    let writing: Promise<void> = Promise.resolve();
    let batch = 0;
    try {
      for await (const piece of this.readUpTo(end)) {
        await this.foldInTurns(piece, end.skipped);
        batch += piece.events.length;
        const { position } = piece.events.at(-1)!;
        if (batch < this.batchSize && position < end.position) continue;
        const folded = { events: batch, position, writes: this.takeFolded() };
        await writing;
        if (mayRest) await this.pace.rest();
        writing = this.commit(folded);
        writing.catch(() => undefined);
        batch = 0;
      }
    } finally {
      await writing;
    }
  }

  /** Where a batch fails, its halves, until the event at fault is found. */
  private async commitHalves({ events, decode }: Piece, skipped: LiveEnd['skipped']): Promise<void> {
    try {
      this.fold({ events, decode }, skipped);
      await this.commit({ events: events.length, position: events.at(-1)!.position, writes: this.takeFolded() });
    } catch (error) {
      this.discard();
      if (!(error instanceof ReplayFailed)) throw error;
      if (events.length === 1) throw new ReplayFailed(events, error.cause);
      const middle = Math.floor(events.length / 2);
      await this.commitHalves({ events: events.slice(0, middle), decode }, skipped);
      await this.commitHalves({ events: events.slice(middle), decode }, skipped);
    }
  }

  private async commit({ events, position, writes }: Folded): Promise<void> {
    await this.transaction(async () => {
      await this.write(writes);
      const { rows } = await this.client.query<{ checkpoint: number }>(
        `update replay_run set position = greatest(position, $2) where model = any($1)
         returning (select position from relay_checkpoint where partition = $3) as checkpoint`,
        [this.names, position, this.partition],
      );
      this.pace.look(position, rows[0]!.checkpoint);
      await this.at('in-batch');
    });
    for (const run of this.runs) run.position = Math.max(run.position, position);
    this.events += events;
    this.tell();
    await this.at('after-batch');
  }

  private discard(): void {
    for (const run of this.runs) run.discard();
  }

  /** Lets the answers of the database in between, so that it is not kept waiting. */
  private async foldInTurns({ events, decode }: Piece, skipped: LiveEnd['skipped']): Promise<void> {
    for (let start = 0; start < events.length; start += TURN) {
      this.fold({ events: events.slice(start, start + TURN), decode }, skipped);
      await nextTurn();
    }
  }

  private fold(piece: Piece, skipped: LiveEnd['skipped']): void {
    try {
      const decoded = decodeLive(piece, skipped);
      for (const run of this.runs) run.fold(decoded);
    } catch (error) {
      throw new ReplayFailed(piece.events, error as Error);
    }
  }

  private async write(writes: readonly WriteFolded[]): Promise<void> {
    try {
      for (const write of writes) await write();
    } catch (error) {
      throw isConnectionError(error) ? error : new ReplayFailed([], error as Error);
    }
  }

  private takeFolded(): WriteFolded[] {
    return this.runs.map((run) => run.take());
  }

  private async switchOver(): Promise<number> {
    for (;;) {
      await this.catchUp();
      try {
        return await this.transaction(() => this.takePlaces());
      } catch (error) {
        this.discard();
        // What can't be folded is found, and named, by catching up.
        const failed = error instanceof ReplayFailed;
        if ((error as { code?: string }).code !== LOCK_NOT_AVAILABLE && !failed) throw error;
      }
      this.tell();
      await pause(RETRY_MS);
    }
  }

  /** Everything up to the checkpoint, which stands still meanwhile, and then the renaming. */
  private async takePlaces(): Promise<number> {
    await this.client.query(
      `set local synchronous_commit = on; set local lock_timeout = ${LONGEST_WAIT_FOR_QUERIES_MS}`,
    );
    await holdRelay(this.client);
    const end = await this.liveEnd();
    let rest = 0;
    for await (const piece of this.readUpTo(end)) {
      this.fold(piece, end.skipped);
      await this.write(this.takeFolded());
      rest += piece.events.length;
    }
    const tables = this.tables.map(({ name }) => quote(name));
    await this.client.query(`lock table ${tables.join(', ')} in access exclusive mode`);
    for (const run of this.runs) await run.takePlace();
    await rememberVersions(this.client, this.options.models);
    await this.client.query('delete from replay_run where model = any($1)', [this.names]);
    await this.at('in-switch');
    this.events += rest;
    return end.position;
  }

  private async liveEnd(): Promise<LiveEnd> {
    const end = await liveEnd(this.client, this.partition, this.position);
    this.head = end.position;
    return end;
  }

  private readUpTo(end: LiveEnd): AsyncGenerator<Piece> {
    const { log, registry } = this.options;
    return readUpTo({ log, registry, limit: () => this.pieceSize }, this.position, end);
  }

  private async transaction<T>(work: () => Promise<T>): Promise<T> {
    try {
      await this.client.query('begin');
      const result = await work();
      await this.client.query('commit');
      return result;
    } catch (error) {
      await this.client.query('rollback').catch(() => undefined);
      throw error;
    }
  }

  private async at(point: ReplayPoint): Promise<void> {
    await this.options.onPoint?.(point);
  }

  private enter(phase: ReplayProgress['phase']): void {
    this.phase = phase;
    this.tell();
  }

  private tell(): void {
    const { phase, position, head, events } = this;
    const resting = phase === 'folding' && this.pace.resting;
    const seconds = (performance.now() - this.startedAt) / 1_000;
    const eventsPerSecond = Math.round(events / seconds);
    this.options.onProgress?.({ phase, position, head, events, eventsPerSecond, resting });
  }
}
