import { SpiceDbUnavailable } from '../../libs/authorization/index.js';
import { projectPath } from '../../libs/embedded/index.js';
import { PARTITION } from '../../libs/event-store/index.js';
import { MARK_TYPE, readMark } from '../../libs/outbox/index.js';
import { migrationStanding, withoutSecrets } from '../../libs/platform/index.js';
import {
  type BegunReplay,
  begunReplays,
  outdatedModels,
  type OutdatedModel,
  readRelayFigures,
} from '../../libs/projections/index.js';
import type { OperatorSession } from './session.js';

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
    lease: { owner: string; expiresAt: string; expiresInSeconds: number } | null;
  };
  delivery: {
    delivered: number;
    undelivered: number;
    /** Age of the event of the oldest of them. */
    oldestUndeliveredSeconds: number;
    /** Where SpiceDB itself says that the delivery is. */
    mark: number | null;
    spicedb: 'answers' | 'lacks schema.zed' | 'does not answer' | 'is not running';
    /** What asking it came to, where it does not answer: nobody there, another key, a certificate that is not trusted. */
    spicedbError: string | null;
    /** Why nothing is delivered, and SpiceDB is not asked. */
    doubt: string | null;
  };
  parked: { events: number; relationships: number; followUps: number };
  replays: BegunReplay[];
  outdated: OutdatedModel[];
  pendingMigrations: string[];
}

/** How far everything that follows the log is behind it. */
export async function readStatus({ runtime, spicedbAtRest }: OperatorSession): Promise<Status> {
  const { pool, log, domain } = runtime;
  const { pending } = await migrationStanding(pool, projectPath('migrations'));
  const [figures, incarnation, spicedb, outdated, replays] = await Promise.all([
    readRelayFigures(runtime, PARTITION),
    log.incarnation(),
    spicedbAtRest ? ({ spicedb: 'is not running', mark: null, spicedbError: null } as const) : askForMark(runtime),
    outdatedModels(pool, domain),
    begunReplays(pool),
  ]);
  const { head, checkpoint, lagEvents, lagMore, lagSeconds, processed, lease, parked } = figures;
  const { delivered, undelivered, oldestUndeliveredSeconds, doubt } = figures;
  return {
    log: { head, incarnation },
    relay: { checkpoint, lagEvents, lagMore, lagSeconds, processed, lease },
    delivery: { delivered, undelivered, oldestUndeliveredSeconds, ...spicedb, doubt },
    ...{ parked, replays, outdated, pendingMigrations: pending },
  };
}

async function askForMark({
  spicedb,
}: OperatorSession['runtime']): Promise<Pick<Status['delivery'], 'mark' | 'spicedb' | 'spicedbError'>> {
  try {
    const [mark, schema] = await Promise.all([readMark(spicedb, PARTITION), spicedb.readSchema()]);
    const isOurs = schema?.includes(`definition ${MARK_TYPE} `) === true;
    return { mark: mark?.position ?? null, spicedb: isOurs ? 'answers' : 'lacks schema.zed', spicedbError: null };
  } catch (error) {
    if (!(error instanceof SpiceDbUnavailable)) throw error;
    const spicedbError = withoutSecrets(error.message).replace(/\s+/g, ' ');
    return { mark: null, spicedb: 'does not answer', spicedbError };
  }
}

function describeSpiceDb({ spicedb, mark, spicedbError }: Status['delivery']): string {
  if (spicedbError !== null) return `SpiceDB      does not answer: ${spicedbError}`;
  const next = spicedb === 'lacks schema.zed' ? '; run: operator migrate' : '';
  return `SpiceDB      ${spicedb}, its mark at ${mark ?? 'none'}${next}`;
}

/** Whether somebody should do something. */
export function isWell({ relay, delivery, parked, outdated, pendingMigrations: pending }: Status): boolean {
  const reached = relay.lease !== null && delivery.spicedb === 'answers' && delivery.doubt === null;
  return reached && parked.events + parked.relationships + parked.followUps + outdated.length + pending.length === 0;
}

export function describeStatus({ log, relay, delivery, parked, replays, outdated, pendingMigrations }: Status): string {
  const { lagEvents, lagMore, lagSeconds, lease } = relay;
  const lag =
    lagEvents === 0 ? 'nothing' : `${lagEvents}${lagMore ? ' or more' : ''} events, ${lagSeconds.toFixed(1)} s`;
  const held = lease ? `${lease.owner}, ${lease.expiresInSeconds.toFixed(1)} s left` : 'nobody: no relay is active';
  const waiting = parked.events + parked.relationships + parked.followUps;
  return [
    `log          head ${log.head}, incarnation ${log.incarnation}`,
    `relay        at ${relay.checkpoint}, behind by ${lag}; processes at ${relay.processed}`,
    `lease        ${held}`,
    `delivery     at ${delivery.delivered}, ${delivery.undelivered} changes undelivered${delivery.undelivered > 0 ? `, the oldest for ${delivery.oldestUndeliveredSeconds.toFixed(1)} s` : ''}`,
    describeSpiceDb(delivery),
    ...(delivery.doubt === null ? [] : [`refused      ${delivery.doubt}`]),
    `parked       ${parked.events} events, ${parked.relationships} relationships, ${parked.followUps} follow-ups${waiting > 0 ? '; see: operator parked list' : ''}`,
    ...replays.map(
      ({ model, position, running }) =>
        `replay       ${model} at ${position}, ${running ? 'under way' : `interrupted; goes on with: operator replay ${model}`}`,
    ),
    ...outdated.map(
      ({ model, stored, wanted }) =>
        `outdated     ${model} ${stored === null ? 'was never filled' : `has version ${stored}, not ${wanted}`}; run: operator replay ${model}`,
    ),
    ...pendingMigrations.map((name) => `migration    ${name} is not applied; run: operator migrate`),
  ].join('\n');
}
