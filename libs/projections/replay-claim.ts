import type { ClientBase, Pool } from 'pg';
import { ReplayRefused } from './replay-problems.js';

export interface BegunReplay {
  model: string;
  version: number;
  /** Of the last event in its rows. */
  position: number;
  startedAt: string;
  /** Whether it is under way; an interrupted one is not. */
  running: boolean;
}

const claimOf = (model: string): string => `hashtextextended('countersign replay ' || ${model}, 0)`;

/** The claim is the session's: where that ends, so does the right to write, as a replay writes over no other. */
export async function claimReplay(client: ClientBase, model: string): Promise<void> {
  const { rows } = await client.query<{ claimed: boolean }>(
    `select pg_try_advisory_lock(${claimOf('$1')}) as claimed`,
    [model],
  );
  if (!rows[0]!.claimed) throw new ReplayRefused(`a replay of ${model} is under way; wait for it to end`);
}

/** Replays that have not switched yet. */
export async function begunReplays(pool: Pick<Pool, 'query'>): Promise<BegunReplay[]> {
  const { rows } = await pool.query<BegunReplay>(
    `select r.model, r.version, r.position, r.started_at as "startedAt", exists (
       select from pg_locks l
       where l.locktype = 'advisory' and l.objsubid = 1 and l.granted
         and l.database = (select oid from pg_database where datname = current_database())
         and (l.classid::bigint << 32) | l.objid::bigint = ${claimOf('r.model')}) as running
     from replay_run r order by r.model`,
  );
  return rows;
}
