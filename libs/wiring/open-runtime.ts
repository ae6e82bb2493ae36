import { SpiceDb } from '../authorization/index.js';
import { openEventLog } from '../event-store/index.js';
import { type Clock, type Config, type Ids, openPool, systemClock, systemIds } from '../platform/index.js';
import { Progress } from '../projections/index.js';
import { buildDomain } from './domain.js';
import { type FaultHook, withFaultPoints } from './fault-points.js';
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
  const pool = openPool({ url: databaseUrl, max: config.databasePoolMax, applicationName: `countersign-${name}` });
  const opened = await openEventLog({ eventStoreUrl: eventstoreUrl, databaseUrl });
  const log = at ? withFaultPoints(opened, at) : opened;
  const spicedb = new SpiceDb({
    endpoint: spicedbEndpoint,
    presharedKey: spicedbPresharedKey ?? '',
    tls: spicedbTls,
    ca: spicedbCa,
  });
  const progress = new Progress(pool);
  await progress.start();
  const domain = buildDomain();
  return { config, pool, log, spicedb, domain, progress, clock: clock ?? systemClock, ids: ids ?? systemIds, at };
}

/** The event log first: what is in flight is answered while everything else is still there. */
export async function closeRuntime({ log, progress, spicedb, pool }: Runtime): Promise<void> {
  await log.close();
  await progress.close();
  spicedb.close();
  await pool.end();
}
