import type { Pool } from 'pg';
import { readMark } from '../../libs/outbox/index.js';
import { outdatedModels, type OutdatedModel } from '../../libs/projections/index.js';
import type { Runtime } from '../../libs/wiring/index.js';

export interface Status {
  log: { head: number; incarnation: string };
  relay: {
    checkpoint: number;
    /** Events of the log that are not committed yet, counted up to a bound. */
    lagEvents: number;
    lagMore: boolean;
    /** Age of the oldest of them. */
    lagSeconds: number;
    processed: number;
    lease: { owner: string; expiresInSeconds: number } | null;
  };
  delivery: { delivered: number; undelivered: number; mark: number | null };
  parked: number;
  replays: { model: string; position: number }[];
  outdated: OutdatedModel[];
}

const LAG_BOUND = 10_000;
const PARTITION = 0;

interface Figures {
  checkpoint: number;
  processed: number;
  delivered: number;
  undelivered: number;
  parked: number;
  owner: string | null;
  expires: number | null;
}

const FIGURES = `select
  coalesce((select position from relay_checkpoint where partition = $1), -1) as checkpoint,
  coalesce((select position from process_checkpoint where partition = $1), -1) as processed,
  coalesce((select position from delivery_mark where partition = $1), -1) as delivered,
  (select count(*)::int from relationship_change c where partition = $1
     and position > coalesce((select position from delivery_mark where partition = $1), -1)) as undelivered,
  (select count(*)::int from parked where status = 'parked') as parked,
  (select owner from relay_lease where partition = $1 and expires_at > clock_timestamp()) as owner,
  (select extract(epoch from expires_at - clock_timestamp())::float from relay_lease where partition = $1) as expires`;

/** How far everything that follows the log is behind it. */
export async function readStatus({ pool, log, spicedb, domain, clock }: Runtime): Promise<Status> {
  const { rows } = await pool.query<Figures>(FIGURES, [PARTITION]);
  const { checkpoint, processed, delivered, undelivered, parked, owner, expires } = rows[0]!;
  const [head, incarnation, mark, behind, outdated, replays] = await Promise.all([
    log.head(),
    log.incarnation(),
    readMark(spicedb, PARTITION),
    log.readAll(checkpoint, LAG_BOUND),
    outdatedModels(pool, domain),
    runningReplays(pool),
  ]);
  const oldest = behind[0]?.metadata.at;
  return {
    log: { head, incarnation },
    relay: {
      checkpoint,
      lagEvents: behind.length,
      lagMore: behind.length === LAG_BOUND,
      lagSeconds: oldest ? Math.max(0, (clock.now().getTime() - Date.parse(oldest)) / 1_000) : 0,
      processed,
      lease: owner === null ? null : { owner, expiresInSeconds: expires ?? 0 },
    },
    delivery: { delivered, undelivered, mark: mark?.position ?? null },
    parked,
    replays,
    outdated: outdated.filter(({ stored }) => stored !== null),
  };
}

async function runningReplays(pool: Pool): Promise<Status['replays']> {
  return (await pool.query<Status['replays'][number]>('select model, position from replay_run order by model')).rows;
}

export function describeStatus({ log, relay, delivery, parked, replays, outdated }: Status): string {
  const lag =
    relay.lagEvents === 0
      ? 'none'
      : `${relay.lagEvents}${relay.lagMore ? '+' : ''} events, ${relay.lagSeconds.toFixed(1)} s`;
  const lease = relay.lease
    ? `${relay.lease.owner}, ${relay.lease.expiresInSeconds.toFixed(1)} s left`
    : 'nobody: no relay is active';
  return [
    `log          head ${log.head}, incarnation ${log.incarnation}`,
    `relay        at ${relay.checkpoint}, behind: ${lag}; processes at ${relay.processed}`,
    `lease        ${lease}`,
    `delivery     delivered ${delivery.delivered}, undelivered changes ${delivery.undelivered}, mark ${delivery.mark ?? 'none'}`,
    `parked       ${parked}${parked > 0 ? ' (see: operator parked list)' : ''}`,
    ...replays.map(({ model, position }) => `replay       ${model} at ${position}`),
    ...outdated.map(
      ({ model, stored, wanted }) =>
        `outdated     ${model} has version ${stored}, wants ${wanted}: operator replay ${model}`,
    ),
  ].join('\n');
}
