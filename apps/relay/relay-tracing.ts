import type { Pool } from 'pg';
import type { StoredEvent } from '../../libs/event-store/index.js';
import { isTracing, tracedTogether } from '../../libs/platform/index.js';

interface TracedEvent {
  type: string;
  position: number;
  traceparent: string | undefined;
}

/** A span of the batch, linked to the calls its events come from, and in the trace of each call one of its own event. */
export async function tracedCommit(events: readonly StoredEvent[], commit: () => Promise<void>): Promise<void> {
  if (!isTracing()) return commit();
  const found = events.map(({ type, position, metadata }) => ({ type, position, traceparent: metadata.traceparent }));
  await tracedBatch({ batch: 'relay commit', each: 'fold' }, found, commit);
}

/** The same for a write to SpiceDB: the trace of a call ends where its relationships are. */
export async function tracedDelivery<T>(
  pool: Pool,
  { rows }: { rows: readonly { position: number }[] },
  write: () => Promise<T>,
): Promise<T> {
  if (!isTracing()) return write();
  const positions = [...new Set(rows.map(({ position }) => position))];
  const { rows: events } = await pool.query<TracedEvent>(
    `select action as type, position, event::jsonb -> 'metadata' ->> 'traceparent' as traceparent
     from audit_entry where position = any($1::bigint[]) order by position`,
    [positions],
  );
  return tracedBatch({ batch: 'relay deliver', each: 'deliver' }, events, write);
}

function tracedBatch<T>(
  names: { batch: string; each: string },
  events: readonly TracedEvent[],
  work: () => Promise<T>,
): Promise<T> {
  const parts = events.map(({ type, position, traceparent }) => {
    return { name: `${names.each} ${type}`, parent: traceparent ?? undefined, attributes: { position } };
  });
  return tracedTogether(names.batch, parts, work);
}
