import type { ClientBase } from 'pg';
import type { AuditRow } from './verify-chain.js';

const COLUMNS = `chain, sequence, position, event_id as "eventId", tenant_id as "tenantId", action,
  resource_type as "resourceType", resource_id as "resourceId", actor_type as "actorType", actor_id as "actorId", at,
  old_values as "oldValues", new_values as "newValues", personal, correlation_id as "correlationId",
  command_id as "commandId", event, hash`;
const ROWS_AT_ONCE = 1_000;
const ORDER = { chain: 'chain, sequence', position: 'position' } as const;

/** Entries of all chains or one, as the caller's transaction sees them, a piece at a time. */
export async function* readAuditRows(
  client: ClientBase,
  order: keyof typeof ORDER,
  chain?: string,
): AsyncGenerator<AuditRow> {
  const cursor = `audit_rows_by_${order}`;
  await client.query(
    `declare ${cursor} no scroll cursor for
     select ${COLUMNS} from audit_entry where $1::text is null or chain = $1 order by ${ORDER[order]}`,
    [chain ?? null],
  );
  try {
    for (;;) {
      const { rows } = await client.query<AuditRow>(`fetch ${ROWS_AT_ONCE} from ${cursor}`);
      yield* rows;
      if (rows.length < ROWS_AT_ONCE) break;
    }
  } finally {
    await client.query(`close ${cursor}`).catch(() => undefined);
  }
}
