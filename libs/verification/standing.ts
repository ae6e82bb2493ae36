import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from 'pg';
import { type SpiceDb, SpiceDbRefused } from '../authorization/index.js';
import { BEFORE_START } from '../event-store/index.js';
import { type Mark, MARK_TYPE, parseMark, parseTuple } from '../outbox/index.js';

/** How far things are. */
export interface Standing {
  /** Every mark of the partition that SpiceDB holds: one, unless something is wrong. */
  marks: FoundMark[];
  checkpoint: number;
  /** What PostgreSQL believes to be delivered. */
  delivered: number;
  /** What it believed before the marks were read: they can't be behind that. */
  before: {
    delivered: number;
    /** Whether anything was ever written to SpiceDB. */
    everWritten: boolean;
  };
}
export interface FoundMark extends Mark {
  tuple: string;
}

interface StandingOptions {
  pool: Pool;
  spicedb: SpiceDb;
  partition: number;
  /** How long delivery may take to catch up; 5 s unless told. */
  settleMs?: number;
}

const SETTLE_MS = 5_000;
const POLL_MS = 100;

/** The standing once delivery has caught up with the checkpoint, or as it is after waiting for that. */
export async function settledStanding(options: StandingOptions): Promise<Standing> {
  const { settleMs = SETTLE_MS } = options;
  for (let waited = 0; ; waited += POLL_MS) {
    const standing = await standingNow(options);
    const { marks, delivered, checkpoint } = standing;
    const settled = delivered >= checkpoint && marks.every(({ position }) => position <= delivered);
    if (settled || waited >= settleMs) return standing;
    await delay(POLL_MS);
  }
}

export async function standingNow(options: StandingOptions): Promise<Standing> {
  const { checkpoint: _checkpoint, ...before } = await readStanding(options);
  const marks = await readMarks(options.spicedb, options.partition);
  const { checkpoint, delivered } = await readStanding(options);
  return { marks, checkpoint, delivered, before };
}

async function readStanding({ pool, partition }: StandingOptions) {
  const { rows } = await pool.query<{ checkpoint: number; delivered: number; everWritten: boolean }>(
    `select coalesce((select position from relay_checkpoint where partition = $1), ${BEFORE_START}) as checkpoint,
            coalesce((select position from delivery_mark where partition = $1), ${BEFORE_START}) as delivered,
            exists (select 1 from delivery_mark where partition = $1 and zed_token is not null) as "everWritten"`,
    [partition],
  );
  return rows[0]!;
}

/** Up to where SpiceDB is known to have everything. */
export function basisOf({ marks, delivered }: Standing): number {
  return marks.length === 1 ? Math.max(marks[0]!.position, delivered) : delivered;
}

async function readMarks(spicedb: SpiceDb, partition: number): Promise<FoundMark[]> {
  const marks: FoundMark[] = [];
  for await (const { tuple } of readType(spicedb, MARK_TYPE)) {
    if (parseTuple(tuple).resource !== `${MARK_TYPE}:p${partition}`) continue;
    marks.push({ tuple, ...parseMark(tuple) });
  }
  return marks;
}

/** Every relationship of a type; none where SpiceDB doesn't know the type. */
export async function* readType(spicedb: SpiceDb, type: string) {
  try {
    for await (const page of spicedb.readAll(type)) yield* page;
  } catch (error) {
    if (!(error instanceof SpiceDbRefused)) throw error;
  }
}
