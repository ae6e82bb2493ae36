import type { Pool } from 'pg';
import type { BenchTenant } from './bench-world.js';

export interface Size {
  requests: number;
  entries: number;
}

export const RARE_ACTION = 'bench.happened-seldom';
/** Of the entries' correlations and resources: so many have the same. */
const TOGETHER = 5;

/** Puts as much into the tables as if it had happened, in the past. */
export async function fillTenant(pool: Pool, tenant: BenchTenant, { requests, entries }: Size): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('set statement_timeout = 0');
    await client.query(REQUESTS, [tenant.id, tenant.members.map(({ id }) => id), tenant.workspaces, requests]);
    await client.query(ENTRIES, [tenant.id, tenant.members.map(({ id }) => id), entries]);
  } finally {
    client.release(true);
  }
}

const REQUESTS = `
  insert into request (id, tenant_id, kind, requester_type, requester_id, requester_name, role, target_type, target_id,
    status, created_at, updated_at, revision)
  select '01H' || right($1, 4) || lpad(n::text, 19, '0'), $1, 'role', 'user', ($2::text[])[1 + n % cardinality($2::text[])], 'U',
    case when n % 10 < 5 then 'editor' when n % 1000 = 999 then 'admin' else 'member' end,
    'workspace', ($3::text[])[1 + n % cardinality($3::text[])], case when n % 10 = 0 then 'pending' else 'rejected' end,
    now() - n * interval '1 second', now(), 1
  from generate_series(1, $4::int) n`;

/** A chain goes on after what it has; its hashes are not those of a chain. */
const ENTRIES = `
  insert into audit_entry (chain, sequence, position, event_id, tenant_id, action, resource_type, resource_id, actor_type,
    actor_id, at, new_values, correlation_id, command_id, event, hash)
  select $1, tip + n, 0, gen_random_uuid(), $1,
    case when n % 100000 = 77 then '${RARE_ACTION}' when n % 3 = 0 then 'request.submitted' else 'request.approved' end,
    'request', 'R' || n / ${TOGETHER}, 'user', ($2::text[])[1 + n % cardinality($2::text[])],
    now() - interval '1 hour' - ($3::int - n) * interval '10 seconds', '{"status": "approved", "role": "editor"}', 'C' || n / ${TOGETHER},
    'command ' || n,
    '{"data":{"role":"editor","status":"approved"},"id":"' || n || '","metadata":{"actor":{"id":"U","type":"user"},"at":"2021-01-04T09:00:00.000Z","authentication":"token","causationId":null,"commandId":"command ' || n || '","correlationId":"C' || n / ${TOGETHER} || '"},"type":"request-approved.v1"}',
    md5(n::text) || md5(n::text)
  from generate_series(1, $3::int) n, (select coalesce(max(sequence), 0) as tip from audit_entry where chain = $1) t`;
