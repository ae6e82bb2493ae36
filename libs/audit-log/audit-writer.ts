import type { ClientBase } from 'pg';
import type { StoredEvent } from '../event-store/index.js';
import type { Statements } from '../platform/core.js';
import { canonicalEvent, chainHash, chainOf, GENESIS } from './audit-entry.js';
import { type AuditMapping, type Rendering, renderingOf } from './audit-rendering.js';

interface Tip {
  sequence: number;
  hash: string;
}
export type ChainTips = ReadonlyMap<string, Tip>;

/** Appends one entry per event to the chains of their tenants, in the caller's transaction. */
export async function writeAuditEntries(
  client: ClientBase,
  events: readonly StoredEvent[],
  mapping: AuditMapping,
): Promise<void> {
  await writeAfterTips(client, events, mapping, await chainTips(client, events));
}

/** The same where the tips of the chains are known. */
export async function writeAfterTips(
  client: Statements,
  events: readonly StoredEvent[],
  mapping: AuditMapping,
  known: ChainTips,
): Promise<void> {
  if (events.length === 0) return;
  const tips = new Map(known);
  const rows = events.map((event) => {
    const chain = chainOf(event);
    const tip = tips.get(chain) ?? { sequence: 0, hash: GENESIS };
    const sequence = tip.sequence + 1;
    const canonical = canonicalEvent(event);
    const hash = chainHash(tip.hash, chain, sequence, canonical);
    tips.set(chain, { sequence, hash });
    return { chain, sequence, event, canonical, hash, shown: renderingOf(event, mapping) };
  });
  const column = <T>(value: (row: (typeof rows)[number]) => T): T[] => rows.map(value);
  const shown = <Name extends keyof Rendering>(name: Name) => column((row) => row.shown[name]);
  const json = (name: 'oldValues' | 'newValues' | 'personal') =>
    shown(name).map((value) => value && JSON.stringify(value));
  const values = [
    column(({ chain }) => chain),
    column(({ sequence }) => sequence),
    column(({ event }) => event.position),
    column(({ event }) => event.id),
    shown('tenantId'),
    shown('action'),
    shown('resourceType'),
    shown('resourceId'),
    shown('actorType'),
    shown('actorId'),
    shown('at'),
    json('oldValues'),
    json('newValues'),
    json('personal'),
    shown('correlationId'),
    shown('commandId'),
    column(({ canonical }) => canonical),
    column(({ hash }) => hash),
  ];
  await client.query({ name: 'write-audit-entries', text: INSERT, values });
}

const INSERT = `insert into audit_entry
  (chain, sequence, position, event_id, tenant_id, action, resource_type, resource_id, actor_type, actor_id, at,
   old_values, new_values, personal, correlation_id, command_id, event, hash)
  select c, s, p, e, t, a, rt, ri, at, ai, w, o::jsonb, n::jsonb, pe::jsonb, co, cm, ev, h
  from unnest($1::text[], $2::bigint[], $3::bigint[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[],
    $9::text[], $10::text[], $11::timestamptz[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[],
    $17::text[], $18::text[]) as r(c, s, p, e, t, a, rt, ri, at, ai, w, o, n, pe, co, cm, ev, h)`;

/** The last entry of each chain that the events belong to, where it has one. */
export async function chainTips(client: ClientBase, events: readonly StoredEvent[]): Promise<ChainTips> {
  if (events.length === 0) return new Map();
  const { rows } = await client.query<Tip & { chain: string }>({
    name: 'chain-tips',
    text: `select tip.* from unnest($1::text[]) as wanted(chain),
     lateral (select chain, sequence, hash from audit_entry e where e.chain = wanted.chain
              order by sequence desc limit 1) tip`,
    values: [[...new Set(events.map(chainOf))]],
  });
  return new Map(rows.map((row) => [row.chain, row]));
}
