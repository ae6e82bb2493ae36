import { SpiceDb } from '../authorization/index.js';
import { openEventLog } from '../event-store/index.js';
import {
  type Clock,
  type Config,
  ConfigurationRefused,
  type Ids,
  isConnectionError,
  Metrics,
  openPool,
  systemClock,
  systemIds,
} from '../platform/index.js';
import { ERASED_CHANNEL, SubjectKeys } from '../personal-data/index.js';
import { Progress } from '../projections/index.js';
import { buildDomain } from './domain.js';
import { type FaultHook, withFaultPoints } from './fault-points.js';
import { withMetrics } from './measured-log.js';
import { requireFilled } from './require-filled.js';
import { requireUsableKeys } from './require-migrated.js';
import type { Runtime } from './runtime.module.js';

export interface OpenOptions {
  /** Shown in pg_stat_activity. */
  name: string;
  clock?: Clock;
  ids?: Ids;
  at?: FaultHook;
}

/** Connects to everything the configuration names; nothing is written. */
export async function openRuntime(config: Config, { name, clock, ids, at }: OpenOptions): Promise<Runtime> {
  const { databaseUrl, eventstoreUrl, spicedbEndpoint, spicedbPresharedKey, spicedbTls, spicedbCa } = config;
  if (!databaseUrl || !spicedbEndpoint) throw new Error('DATABASE_URL and SPICEDB_ENDPOINT are needed');
  const pool = openPool({
    ...{ url: databaseUrl, max: config.databasePoolMax, applicationName: `countersign-${name}` },
    // A batch of the relay is about 15 statements: written together, they cost two round trips in the place of 15.
    pipeline: true,
  });
  const opened = await openEventLog({ eventStoreUrl: eventstoreUrl, databaseUrl }).catch(namingEventStore);
  const metrics = new Metrics();
  const measured = withMetrics(opened, metrics);
  const log = at ? withFaultPoints(measured, at) : measured;
  const spicedb = new SpiceDb({
    endpoint: spicedbEndpoint,
    presharedKey: spicedbPresharedKey ?? '',
    tls: spicedbTls,
    ca: spicedbCa,
  });
  const keys = new SubjectKeys(pool, config.personalDataKeys);
  await requireUsableKeys(keys).catch(unlessNothingToLookAt);
  const progress = new Progress(pool);
  spicedb.beforeNo(requireFilled(spicedb, progress));
  progress.alsoHear(ERASED_CHANNEL, {
    hear: (subject) => keys.forget([subject]),
    missed: () => keys.forgetAll(),
  });
  await progress.start();
  const domain = buildDomain(keys);
  const given = { clock: clock ?? systemClock, ids: ids ?? systemIds };
  return { config, pool, log, spicedb, domain, keys, progress, metrics, at, ...given };
}

/** Nothing is asked of a server yet: what its client refuses is the address. */
function namingEventStore({ message }: Error): never {
  const accepted = 'an address that its client understands';
  throw new ConfigurationRefused([{ variable: 'EVENTSTORE_URL', found: message, accepted }]);
}

const NO_TABLE = '42P01';
const NO_COLUMN = '42703';

/** A database that is not migrated yet, or is away, can't be looked at: `requireMigrated` does that later. */
function unlessNothingToLookAt(error: unknown): void {
  const { code } = error as { code?: string };
  if (!isConnectionError(error) && code !== NO_TABLE && code !== NO_COLUMN) throw error;
}

/** The event log first: what is in flight is answered while everything else is still there. */
export async function closeRuntime({ log, progress, spicedb, pool }: Runtime): Promise<void> {
  await log.close();
  await progress.close();
  spicedb.close();
  await pool.end();
}
