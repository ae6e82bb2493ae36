import type { Pool } from 'pg';
import { PARTITION } from '../../libs/event-store/index.js';
import { UsageError } from '../../libs/wiring/index.js';
import { Lease, LEASE_MS } from '../relay/lease.js';

interface Alone {
  /** Who holds the lease meanwhile, as `operator status` shows it. */
  owner: string;
  /** What may be done once every relay is stopped: `rebuild`. */
  goal: string;
}

/**
 * Works while no relay can become active.
 * @throws UsageError where one is
 */
export async function withoutRelay<Result>(
  pool: Pool,
  { owner, goal }: Alone,
  work: () => Promise<Result>,
): Promise<Result> {
  const lease = new Lease(pool, PARTITION, owner);
  if (!(await lease.acquire())) throw new UsageError(`A relay is active. Stop every API and relay, then ${goal}.`);
  const renewing = setInterval(() => void lease.renew().catch(() => undefined), LEASE_MS / 4);
  try {
    return await work();
  } finally {
    clearInterval(renewing);
    await lease.release();
  }
}
