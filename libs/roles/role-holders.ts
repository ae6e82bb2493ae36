import { Inject, Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { POOL } from '../edge/index.js';
import { CLOCK, type Clock } from '../platform/index.js';
import { Progress } from '../projections/index.js';
import type { RoleKey } from './role-streams.js';

/** Longer than other commands wait: a deletion that gives up is to be asked for again. */
const WAIT_MS = 5_000;

/** Who holds a role, as far as rows tell. */
@Injectable()
export class RoleHolders {
  constructor(
    @Inject(POOL) private readonly pool: Pool,
    private readonly progress: Progress,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Whether anybody holds it, or is about to, as it was approved for them; a grant past its end is none. */
  async any({ tenantId, roleId }: RoleKey): Promise<boolean> {
    // Built-in roles are named for the index, which leaves them out.
    const { rowCount } = await this.pool.query(
      `select 1 from assignment
       where role = $1 and tenant_id = $2 and role not in ('admin', 'editor', 'member')
         and (until is null or until > $3::timestamptz)
       union all
       select 1 from request
       where role = $1 and tenant_id = $2 and status = 'approved' and (until is null or until > $3::timestamptz)
       limit 1`,
      [roleId, tenantId, this.clock.now().toISOString()],
    );
    return rowCount! > 0;
  }

  /** Whether rows have what was in the log at a position; waits for it a while. */
  areKnownAt(position: number): Promise<boolean> {
    return this.progress.confirm('projected', position, WAIT_MS);
  }
}
