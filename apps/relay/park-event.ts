import type { StoredEvent } from '../../libs/event-store/index.js';
import type { Statements } from '../../libs/platform/index.js';

/**
 * Sets aside, for an operator, an event that could not be applied, or what follows from one.
 * @param stage which of the two
 */
export async function parkEvent(
  statements: Statements,
  partition: number,
  stage: 'event' | 'process',
  { event, error }: { event: StoredEvent; error: Error },
): Promise<void> {
  const { id, position, type, metadata } = event;
  await statements.query(
    `insert into parked (id, partition, position, event_id, event_type, tenant_id, correlation_id, stage, error)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (id) do nothing`,
    [
      stage === 'event' ? id : `${id}/${stage}`,
      ...[partition, position, id, type, metadata.tenantId, metadata.correlationId, stage, error.message],
    ],
  );
}
