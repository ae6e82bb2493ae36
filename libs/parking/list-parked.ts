import type { Pool } from 'pg';

/** Something the relay could not apply or deliver, and went past. */
export interface ParkedItem {
  id: string;
  position: number;
  eventId: string;
  eventType: string;
  tenantId: string | null;
  /** What could not be done: apply the event, deliver its relationship, or do what follows from it. */
  stage: 'event' | 'delivery' | 'process';
  tuple: string | null;
  error: string;
  status: 'parked' | 'retried' | 'discarded';
  parkedAt: string;
  resolvedAt: string | null;
  resolvedBy: string | null;
}

/** What is parked, oldest first; with `all` also what is settled. */
export async function listParked(pool: Pool, { all = false } = {}): Promise<ParkedItem[]> {
  const { rows } = await pool.query<ParkedItem>(
    `select id, position, event_id as "eventId", event_type as "eventType", tenant_id as "tenantId", stage, tuple, error,
            status, parked_at as "parkedAt", resolved_at as "resolvedAt", resolved_by as "resolvedBy"
     from parked where $1 or status = 'parked' order by position, id`,
    [all],
  );
  return rows;
}
