import { createHash } from 'node:crypto';
import type { Pool } from 'pg';
import { canonicalJson, Refused } from '../platform/index.js';

export interface Claim {
  commandId: string;
  /** ISO 8601 UTC: when the command first came. */
  at: string;
}
export interface ClaimRequest extends Claim {
  /** Scope of the key: the tenant, or `system`. */
  tenant: string;
  principal: string;
  key: string;
  /** Hash of route and body: the same key means the same call. */
  bodyHash: string;
}

export function hashCall(method: string, path: string, body: unknown): string {
  return createHash('sha256')
    .update(`${method} ${path}\n${canonicalJson(body ?? null)}`)
    .digest('hex');
}

/**
 * The command id and time of the first call with this key; this call's own where it is the first.
 * @throws Refused `idempotency-key-reused` when the key came with another call
 */
export async function claimCommand(pool: Pool, request: ClaimRequest): Promise<Claim> {
  const { tenant, principal, key, bodyHash, commandId, at } = request;
  const { rows } = await pool.query<Claim & { bodyHash: string }>(
    `insert into command_claim (tenant, principal, key, body_hash, command_id, at) values ($1, $2, $3, $4, $5, $6)
     on conflict (tenant, principal, key) do update set key = excluded.key
     returning command_id as "commandId", at, body_hash as "bodyHash"`,
    [tenant, principal, key, bodyHash, commandId, at],
  );
  const claim = rows[0]!;
  if (claim.bodyHash !== bodyHash) throw new Refused('idempotency-key-reused');
  return { commandId: claim.commandId, at: claim.at };
}
