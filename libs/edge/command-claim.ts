import { createHash } from 'node:crypto';
import type { Pool } from 'pg';
import { canonicalJson, Refused } from '../platform/index.js';

export interface Claim {
  commandId: string;
  /** ISO 8601 UTC: when the command first came. */
  at: string;
  correlationId: string;
  /** Where the log stood when the command was found to change nothing; null where it changed something, or is not done. */
  nothingAt: number | null;
}
/** What a key stands for. */
export interface ClaimKey {
  /** Scope of the key: the tenant, or `system`. */
  tenant: string;
  principal: string;
  key: string;
  /** Hash of route and body: the same key means the same call. */
  bodyHash: string;
}

const COLUMNS =
  'command_id as "commandId", at, correlation_id as "correlationId", nothing_at as "nothingAt", body_hash as "bodyHash"';

/** Ids in a path are the same in either case. */
export function hashCall(method: string, path: string, body: unknown): string {
  return createHash('sha256')
    .update(`${method} ${path.toUpperCase()}\n${canonicalJson(body ?? null)}`)
    .digest('hex');
}

/**
 * What the first call with this key claimed; this call's own where it is the first.
 * @throws Refused `idempotency-key-reused` when the key came with another call
 */
export async function claimCommand(pool: Pool, request: ClaimKey, own: Omit<Claim, 'nothingAt'>): Promise<Claim> {
  const { tenant, principal, key, bodyHash } = request;
  const { rows } = await pool.query<Claim & { bodyHash: string }>(
    `insert into command_claim (tenant, principal, key, body_hash, command_id, at, correlation_id)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (tenant, principal, key) do update set key = excluded.key
     returning ${COLUMNS}`,
    [tenant, principal, key, bodyHash, own.commandId, own.at, own.correlationId],
  );
  const { bodyHash: claimed, ...claim } = rows[0]!;
  if (claimed !== bodyHash) throw new Refused('idempotency-key-reused');
  return claim;
}

/** That a call was accepted without a change: a repeat must not make one either, whatever has changed since. */
export async function noteNothing(pool: Pool, { tenant, principal, key }: ClaimKey, position: number): Promise<void> {
  await pool.query('update command_claim set nothing_at = $4 where tenant = $1 and principal = $2 and key = $3', [
    ...[tenant, principal, key],
    position,
  ]);
}

/** What an earlier call with this key claimed and did, as far as it is in the trail. */
export async function acceptedBefore(
  pool: Pool,
  { tenant, principal, key, bodyHash }: ClaimKey,
): Promise<{ position: number; correlationId: string } | undefined> {
  const { rows } = await pool.query<{ position: number; correlationId: string }>(
    `select c.correlation_id as "correlationId", max(followed.position) as position
     from command_claim c
     join audit_entry done on done.chain = c.tenant and done.at = c.at and done.command_id = c.command_id::text
     join audit_entry followed on followed.chain = c.tenant and followed.at = c.at
       and followed.correlation_id = c.correlation_id
     where c.tenant = $1 and c.principal = $2 and c.key = $3 and c.body_hash = $4
     group by c.correlation_id
     union all
     select correlation_id, nothing_at from command_claim
     where tenant = $1 and principal = $2 and key = $3 and body_hash = $4 and nothing_at is not null`,
    [tenant, principal, key, bodyHash],
  );
  return rows[0];
}
